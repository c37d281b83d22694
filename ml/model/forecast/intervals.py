"""80 % intervals from what customers like these really brought: ratio-conformal by prediction.

1. For a customer who was predicted 100, look at past customers who were predicted about as much.
2. Take what each of them brought, divided by what was predicted for them.
3. Between the tenth and the ninetieth percentile of these ratios lie 80 % of them.
4. Times 100, that is the interval. No distribution is assumed.

The past predictions are by models that had not seen the customer (folds by customer): a prediction
of what was trained on looks too good. One-off buyers and regular ones are missed in different ways,
so the ratios are pooled within bins of the prediction. This is split conformal prediction (Vovk,
Gammerman & Shafer 2005, Algorithmic Learning in a Random World) with the score actual / predicted
and Mondrian categories. Bins are frozen with the champion: nobody's interval depends on the batch.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

COVERAGE = 0.8
BINS = 10
# The best tenth spreads widest: it is split once more.
EXTRA_EDGE = 0.95
# With fewer scores than this, bins are made wider.
LEAST_ROWS_A_BIN = 50
# Normal quantile of the two-sided 80 % interval.
NORMAL_80 = 1.2815515655446004


@dataclass(frozen=True)
class Intervals:
    """Edges of the bins (money, inner ones only) and, by bin, the low, high and spread of ratios.

    spread: variance of actual / predicted. total_sd: standard deviation of the log of a total over
    the training cutoffs.
    """

    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    spread: tuple[float, ...]
    total_sd: float

    def bounds(self, predicted: FloatArray, typical: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Low and high around `predicted`, shape (customers,); `typical` chooses the bin.

        typical: the prediction without season and corrected total, in the money of the edges.
        """
        place = np.searchsorted(np.asarray(self.edges), typical, side="right")
        low = predicted * np.asarray(self.low)[place]
        high = predicted * np.asarray(self.high)[place]
        return np.minimum(low, predicted), np.maximum(high, predicted)

    def variance(self, predicted: FloatArray, typical: FloatArray) -> FloatArray:
        """Variance of what a customer brings around `predicted`, money squared, (customers,)."""
        place = np.searchsorted(np.asarray(self.edges), typical, side="right")
        return predicted**2 * np.asarray(self.spread)[place]

    def total_bounds(self, total: float, variance: float) -> tuple[float, float]:
        """Low and high of a sum: customers scatter independently, what moves the total moves all.

        variance: the sum of the customers' variances.
        """
        scatter = variance / total**2
        width = NORMAL_80 * float(np.sqrt(scatter + self.total_sd**2))
        return total * float(np.exp(-width)), total * float(np.exp(width))


def fit_intervals(actual: FloatArray, predicted: FloatArray, *, total_sd: float) -> Intervals:
    """Bands of out-of-fold predictions (money > 0) and actuals of shape (rows,), season-free.

    Errors: ValueError without rows.

    >>> brought = np.repeat([0.0, 50.0, 100.0, 150.0, 200.0], 10)
    >>> bands = fit_intervals(brought, np.full(50, 100.0), total_sd=0.1)
    >>> [bound.tolist() for bound in bands.bounds(np.array([10.0]), np.array([10.0]))]
    [[0.0], [20.0]]
    """
    if not len(predicted):
        raise ValueError("no held-out prediction: intervals need at least one matured window")
    edges = _edges(predicted)
    place = np.searchsorted(edges, predicted, side="right")
    ratio = actual / predicted
    bands = [_band(ratio[place == number]) for number in range(len(edges) + 1)]
    low, high, spread = zip(*bands, strict=True)
    return Intervals(
        edges=tuple(edges.tolist()), low=low, high=high, spread=spread, total_sd=total_sd
    )


def _edges(predicted: FloatArray) -> FloatArray:
    """Inner edges: deciles, the best one split again; fewer with few rows, distinct always."""
    bins = int(np.clip(len(predicted) // LEAST_ROWS_A_BIN, 1, BINS))
    shares = np.arange(1, bins) / bins
    if len(predicted) >= 2 * BINS * LEAST_ROWS_A_BIN:
        shares = np.append(shares, EXTRA_EDGE)
    return np.unique(np.quantile(predicted, shares))


def _band(ratio: FloatArray) -> tuple[float, float, float]:
    """Low, high and variance of the ratios of a bin.

    Where more than a tenth brings nothing, zero is inside for certain, so the whole miss of 20 %
    lies above; otherwise a tenth lies on either side.
    """
    if not len(ratio):
        return 0.0, 1.0, 1.0
    tail = (1 - COVERAGE) / 2
    nothing = float(np.mean(ratio <= 0))
    if nothing >= tail:
        below = float(np.mean(ratio < 0))
        high = float(np.quantile(ratio, min(COVERAGE + below, 1.0), method="higher"))
        return 0.0, max(high, 0.0), float(ratio.var())
    low, high = (float(v) for v in np.quantile(ratio, [tail, 1 - tail]))
    return max(low, 0.0), high, float(ratio.var())
