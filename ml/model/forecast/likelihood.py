"""Maximum likelihood over distinct rows: the fit that purchase models and Gamma-Gamma share.

1. Given its parameters, a model says how probable each customer's history is.
2. The parameters to take are those under which what happened was most probable.
3. Many customers have the same history: it is computed once and counted.
4. The likelihood may have more than one hill. Several starting points race on a small sample of the
   customers, and the winner climbs on with all of them.

    maximise over the parameters   mean over the customers of log L(history | parameters)

Parameters are positive and differ by orders of magnitude, so the climb is over their logarithms, by
L-BFGS-B within bounds. Every model supplies the exact gradient: near the top, differences between
two values of the likelihood are smaller than their rounding.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Rows = tuple[FloatArray, ...]
RowLikelihood = Callable[[FloatArray, Rows], tuple[FloatArray, FloatArray]]
Bounds = Sequence[tuple[float, float]]
Starts = tuple[tuple[float, ...], ...]

# With more distinct rows than this, a fit runs on a systematic sample of as many customers.
FIT_CUSTOMERS = 200_000
# The starting points race on a sample of this size, the winner runs on the whole fit.
RACE_CUSTOMERS = 2_000
# Limits of the fitted parameters; scales are in units of the mean T or the mean value. A shape of
# 100 is all but the same rate for everybody; up to there the expectations are exact.
SHAPE_LIMITS, SCALE_LIMITS = (1e-4, 1e2), (1e-4, 1e4)
_CHUNK_ROWS = 512  # keeps the arrays of the quadrature inside the processor's cache


def require(valid: BoolArray, name: str, values: FloatArray, remedy: str) -> None:
    """Raise ValueError with column, row, value and remedy unless `valid` holds everywhere."""
    bad = np.flatnonzero(~valid)
    if bad.size:
        raise ValueError(f"{name} of row {bad[0]} is {values[bad[0]]}: {remedy}")


def columns_of_one_length(**columns: ArrayLike) -> Rows:
    """Columns as float arrays of one length; a scalar is a column of one row.

    Errors: ValueError if the lengths differ or are zero.
    """
    arrays = {name: np.atleast_1d(np.asarray(column, float)) for name, column in columns.items()}
    lengths = {name: array.size for name, array in arrays.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise ValueError(f"columns have lengths {lengths}: give one row per customer, at least one")
    return tuple(arrays.values())


def unique_rows(columns: Rows) -> tuple[Rows, NDArray[np.intp], FloatArray]:
    """Distinct rows in lexicographic order, the distinct row of each row, and the counts.

    Each column is ranked and merged into one integer key, column by column; only distinct values
    are sorted, which is many times faster than sorting whole rows.

    >>> rows, row_of, counts = unique_rows((np.array([1.0, 0, 1]), np.array([5.0, 0, 5])))
    >>> [column.tolist() for column in rows], row_of.tolist(), counts.tolist()
    ([[0.0, 1.0], [0.0, 5.0]], [1, 0, 1], [1.0, 2.0])
    """
    key = np.zeros(columns[0].size, np.int64)
    for column in columns:
        rank, values = pd.factorize(column, sort=True)
        key = pd.factorize(key * len(values) + rank, sort=True)[0]
    counts = np.bincount(key)
    a_row = np.empty(counts.size, np.intp)  # a row of each key: equal rows are the same
    a_row[key] = np.arange(key.size)
    return tuple(column[a_row] for column in columns), key, counts.astype(float)


def systematic_sample(rows: Rows, counts: FloatArray, size: int) -> tuple[Rows, FloatArray]:
    """Every k-th customer of the sorted rows, so that `size` of them remain, with their counts.

    The rows come sorted, first by x, so the sample is stratified by the whole history; it depends
    neither on a seed nor on the order of the customers. With `size` distinct rows or fewer all
    customers are kept.
    """
    if counts.size <= size:
        return rows, counts
    positions = (np.arange(size) + 0.5) * (counts.sum() / size)
    drawn = np.searchsorted(np.cumsum(counts), positions, side="right")
    index, weights = np.unique(drawn, return_counts=True)
    return tuple(column[index] for column in rows), weights.astype(float)


def climb(
    likelihood: RowLikelihood, rows: Rows, weights: FloatArray, start: FloatArray, bounds: Bounds
) -> tuple[float, FloatArray]:
    """Largest mean log-likelihood reached from `start`, and the log parameters there."""
    share = weights / weights.sum()

    def loss(log_parameters: FloatArray) -> tuple[float, FloatArray]:
        parameters = np.exp(log_parameters)
        value, gradient = likelihood(parameters, rows)
        return -float(share @ value), -(gradient @ share) * parameters

    options = {"maxiter": 500, "maxfun": 1_000, "ftol": 1e-13, "gtol": 1e-7}
    limits = np.log(np.asarray(bounds))
    top = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits, options=options)
    return -float(top.fun), top.x


def maximise(
    likelihood: RowLikelihood, rows: Rows, counts: FloatArray, starts: Starts, bounds: Bounds
) -> list[float]:
    """Parameters of maximum likelihood: the best of several starts, then polished.

    `likelihood(parameters, rows)` gives each row's log-likelihood, shape (rows,), and its gradient
    by parameter, shape (parameters, rows).
    """
    sample, weights = systematic_sample(rows, counts, RACE_CUSTOMERS)
    points = [np.log(np.asarray(start)) for start in starts]
    races = [climb(likelihood, sample, weights, point, bounds) for point in points]
    best = max(races, key=lambda race: race[0])[1]
    sample, weights = systematic_sample(rows, counts, FIT_CUSTOMERS)
    log_parameters = climb(likelihood, sample, weights, best, bounds)[1]
    return [float(parameter) for parameter in np.exp(log_parameters)]


def in_chunks(function: Callable[..., FloatArray], rows: Rows) -> FloatArray:
    """`function(*rows)` computed piece by piece; the last axis of its result runs over the rows."""
    starts = range(0, rows[0].size, _CHUNK_ROWS)
    pieces = [function(*(column[i : i + _CHUNK_ROWS] for column in rows)) for i in starts]
    return np.concatenate(pieces, axis=-1)
