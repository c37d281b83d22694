"""How good predictions are: pure functions over one batch of customers.

Each metric asks one question:

1. rmse, mae: how far off is a customer, in money? Squares make the largest customers decide.
2. r2, d2: which share of the differences between customers is explained? d2 weighs an error by
   what was expected (see tweedie.py); r2 does not.
3. normalised_gini, spearman, top_decile_share: are the best customers ranked first? The sizes of
   the predictions do not matter.
4. bias: is the total right?

`actual` and `predicted` have shape (customers,), in the same order and unit (money in the window).
Errors: ValueError if lengths differ, a batch is empty or a value is not finite. A metric that the
batch does not define is NaN, never an exception and never a made-up number: r2, d2, the Gini and
Spearman when all actuals are the same (so with one row), Spearman when all predictions are, and
top_decile_share and bias when the actuals do not add up to more than 0.

Metrics are written as functions of weights, one per customer: a bootstrap draws customers with
replacement, so a resample is a batch in which some count twice and some not at all. With all
weights 1 it is the metric of the batch itself.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from ml.model.measures.tweedie import null_deviance, tweedie_deviance

FloatArray = NDArray[np.float64]

# Null deviance below this share of its terms is rounding: all actuals are the same.
_ROUNDING = 1e-12
# The rest of METRICS is better the higher; bias is better the nearer to 0.
LOWER_IS_BETTER = frozenset({"rmse", "mae", "bias"})


def checked(**columns: ArrayLike) -> tuple[FloatArray, ...]:
    """Columns as float arrays of one length; errors as in the module."""
    arrays = {name: np.asarray(column, float) for name, column in columns.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or next(iter(shapes.values())) == (0,):
        raise ValueError(f"shapes are {shapes}: give one value per customer, at least one")
    for name, array in arrays.items():
        if array.ndim != 1:
            raise ValueError(f"{name} has shape {array.shape}: give one column")
        bad = np.flatnonzero(~np.isfinite(array))
        if bad.size:
            raise ValueError(f"{name} of row {bad[0]} is {array[bad[0]]}: score finite values only")
    return tuple(arrays.values())


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """numerator / denominator, NaN where the denominator is not above 0."""
    result = np.full(np.shape(numerator), np.nan)
    return np.divide(numerator, denominator, out=result, where=denominator > 0)


def rmse(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Root of the mean squared error, money, 0 is best.

    >>> rmse([0, 10], [0, 4])
    4.2426...
    """
    return _metric("rmse", actual, predicted)


def mae(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error, money, 0 is best.

    >>> mae([0, 10], [0, 4])
    3.0
    """
    return _metric("mae", actual, predicted)


def r2(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Share of the variance explained, 1 is best, 0 is the mean, NaN for constant actuals.

    >>> r2([0, 10, 20], [0, 10, 10])
    0.5
    """
    return _metric("r2", actual, predicted)


def d2(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Share of the Tweedie deviance (power 1.5) explained, 1 is best, 0 is the mean.

    Actuals below 0 count as 0, predictions below SMALLEST_MEAN of tweedie.py as that. NaN for
    constant actuals, all zeros among them.

    >>> d2([0, 9, 100], [1, 9, 64])
    0.8524...
    """
    return _metric("d2", actual, predicted)


def bias(actual: ArrayLike, predicted: ArrayLike) -> float:
    """sum(predicted) / sum(actual) - 1, 0 is best, NaN unless the actuals add up to more than 0.

    >>> bias([10, 30], [10, 20])
    -0.25
    """
    return _metric("bias", actual, predicted)


def normalised_gini(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Gini of the actuals ordered by prediction over that ordered by actual, 1 is best, 0 chance.

    Tied predictions share their mean rank, so a constant prediction gives 0. Each Gini is a
    covariance of actuals and ranks over the same total (Lerman & Yitzhaki 1984), which cancels:
    negative actuals are allowed. NaN for constant actuals.

    >>> normalised_gini([0, 10, 20], [1, 3, 2])
    0.5
    """
    return _metric("normalised_gini", actual, predicted)


def spearman(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Correlation of the (mid-)ranks, -1..1, NaN if actuals or predictions are constant.

    >>> spearman([0, 10, 20], [1, 3, 2])
    0.5
    """
    actual_ranks, predicted_ranks = map(rankdata, checked(actual=actual, predicted=predicted))
    if np.ptp(actual_ranks) == 0 or np.ptp(predicted_ranks) == 0:
        return float("nan")
    return float(np.corrcoef(actual_ranks, predicted_ranks)[0, 1])


def top_decile_share(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Share of the total of the actuals that the best-predicted tenth (rounded up) brings.

    Among tied predictions the earlier row counts as better. NaN unless the actuals add up to more
    than 0; above 1 if the rest is negative.

    >>> top_decile_share([60, 20, 20], [3, 2, 1])
    0.6
    """
    values, scores = checked(actual=actual, predicted=predicted)
    best = np.argsort(-scores, kind="stable")[: -(-values.size // 10)]
    return float(_ratio(values[best].sum(), values.sum()))


def tenths(scores: FloatArray) -> list[NDArray[np.intp]]:
    """Rows of each tenth of the customers, the highest scores first.

    Earlier rows are better among equals; sizes differ by one at most, and fewer than ten customers
    are a tenth each.

    >>> [part.tolist() for part in tenths(np.array([1.0, 3.0, 3.0]))]
    [[1], [2], [0]]
    """
    order = np.argsort(-scores, kind="stable")
    return np.array_split(order, min(10, scores.size))


def decile_calibration(actual: ArrayLike, predicted: ArrayLike) -> pd.DataFrame:
    """One row per tenth of the customers by prediction, decile 1 the best.

    Columns: decile, customer_count, mean_predicted, mean_actual. Earlier rows are better among tied
    predictions; sizes differ by one at most; fewer than ten customers give a decile each.

    >>> decile_calibration([60, 20], [50, 30])["mean_actual"].tolist()
    [60.0, 20.0]
    """
    values, scores = checked(actual=actual, predicted=predicted)
    parts = tenths(scores)
    return pd.DataFrame(
        {
            "decile": np.arange(1, len(parts) + 1),
            "customer_count": [part.size for part in parts],
            "mean_predicted": [scores[part].mean() for part in parts],
            "mean_actual": [values[part].mean() for part in parts],
        }
    )


def interval_coverage(actual: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Share of the actuals within low..high, both ends included, 0..1.

    Errors: also ValueError for an interval whose low is above its high.

    >>> interval_coverage([1, 5], [0, 6], [2, 9])
    0.5
    """
    values, lower, upper = checked(actual=actual, low=low, high=high)
    crossed = np.flatnonzero(lower > upper)
    if crossed.size:
        row = crossed[0]
        raise ValueError(f"low of row {row} is {lower[row]}, above high {upper[row]}: swap them")
    return float(np.mean((values >= lower) & (values <= upper)))


# A weighted metric takes weights of shape (resamples, customers) to values of shape (resamples,).
Weighted = Callable[[FloatArray], FloatArray]


def _weighted_rmse(actual: FloatArray, predicted: FloatArray) -> Weighted:
    """RMSE from resampled squared errors."""
    squared = (actual - predicted) ** 2
    return lambda weights: np.sqrt(weights @ squared / weights.sum(axis=1))


def _weighted_mae(actual: FloatArray, predicted: FloatArray) -> Weighted:
    """MAE from resampled absolute errors."""
    absolute = np.abs(actual - predicted)
    return lambda weights: weights @ absolute / weights.sum(axis=1)


def _weighted_r2(actual: FloatArray, predicted: FloatArray) -> Weighted:
    """R2 from resampled squares; actuals are centred first, so that little cancels."""
    centred = actual - actual.mean()
    terms = np.stack([(actual - predicted) ** 2, centred, centred**2], axis=1)

    def score(weights: FloatArray) -> FloatArray:
        residual, total, square = (weights @ terms).T
        variance = square - total**2 / weights.sum(axis=1)
        return 1 - _ratio(residual, np.where(variance > _ROUNDING * square, variance, 0))

    return score


def _weighted_d2(actual: FloatArray, predicted: FloatArray) -> Weighted:
    """D2 from resampled deviances; the null deviance is about the resample's own mean."""
    root = np.sqrt(np.maximum(actual, 0))
    terms = np.stack([tweedie_deviance(actual, predicted), root**2, root], axis=1)

    def score(weights: FloatArray) -> FloatArray:
        deviance, total, roots = (weights @ terms).T
        null = null_deviance(total, roots, weights.sum(axis=1))
        return 1 - _ratio(deviance, np.where(null > 8 * _ROUNDING * roots, null, 0))

    return score


def _weighted_bias(actual: FloatArray, predicted: FloatArray) -> Weighted:
    """Bias from resampled totals."""
    terms = np.stack([predicted, actual], axis=1)
    return lambda weights: _ratio(*(weights @ terms).T) - 1


def _rank_covariance(actual: FloatArray, key: FloatArray) -> Weighted:
    """Sum of actual x (mid-rank by key - mean rank), each customer counted `weight` times.

    The ranks of a resample follow from the weights alone: in the order of the key, the customers
    before one, and half of those who share its key.
    """
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(key[order]) > 0])
    sorted_actual = actual[order] - actual.mean()

    def covariance(weights: FloatArray) -> FloatArray:
        sorted_weights = weights[:, order]
        count = np.add.reduceat(sorted_weights, starts, axis=1)
        total = np.add.reduceat(sorted_weights * sorted_actual, starts, axis=1)
        rank = np.cumsum(count, axis=1) - count / 2 - weights.sum(axis=1, keepdims=True) / 2
        return (total * rank).sum(axis=1)

    return covariance


def _weighted_gini(actual: FloatArray, predicted: FloatArray) -> Weighted:
    """Normalised Gini as the ratio of two rank covariances."""
    achieved, best = _rank_covariance(actual, predicted), _rank_covariance(actual, actual)
    return lambda weights: _ratio(achieved(weights), best(weights))


def _by_rows(metric: Callable[[ArrayLike, ArrayLike], float]) -> Callable[..., Weighted]:
    """A metric without a closed form in the weights, computed resample by resample."""

    def prepare(actual: FloatArray, predicted: FloatArray) -> Weighted:
        def score(weights: FloatArray) -> FloatArray:
            rows = [np.repeat(np.arange(actual.size), line.astype(int)) for line in weights]
            return np.array([metric(actual[row], predicted[row]) for row in rows])

        return score

    return prepare


WEIGHTED: dict[str, Callable[[FloatArray, FloatArray], Weighted]] = {
    "rmse": _weighted_rmse,
    "mae": _weighted_mae,
    "r2": _weighted_r2,
    "d2": _weighted_d2,
    "normalised_gini": _weighted_gini,
    "spearman": _by_rows(spearman),
    "top_decile_share": _by_rows(top_decile_share),
    "bias": _weighted_bias,
}


def _metric(name: str, actual: ArrayLike, predicted: ArrayLike) -> float:
    """A metric of the batch itself: each customer once."""
    values, scores = checked(actual=actual, predicted=predicted)
    return float(WEIGHTED[name](values, scores)(np.ones((1, values.size)))[0])


METRICS: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "rmse": rmse,
    "mae": mae,
    "r2": r2,
    "d2": d2,
    "normalised_gini": normalised_gini,
    "spearman": spearman,
    "top_decile_share": top_decile_share,
    "bias": bias,
}
