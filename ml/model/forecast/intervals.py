"""80 % intervals: whether a customer buys at all, and what buyers like this one really brought.

1. A customer who was predicted 100 and buys with a probability of 0.5 is expected to bring 200 if
   there is a purchase at all.
2. Look at past customers who were predicted about as much, and who bought. Take what each of them
   brought, divided by what was expected of a buyer.
3. These ratios say how a buyer's spending scatters. No distribution is assumed.
4. Nothing comes with a probability of 0.5, and something that scatters like 200 times the ratios
   with the rest. One outcome in ten lies below the lower end, one in ten above the upper end.

For a probability p, the share u of the buyers below an end that has the share a of all outcomes
below it is

    u = (a - (1 - p)) / p;   0 or less: the end is 0,   else: expected x ratio at the share u

So the lower end is above 0 where fewer than one in ten buy nothing, and the upper end is the
prediction itself where more than nine in ten buy nothing.

The past predictions are by models that had not seen the customer (folds by customer): a prediction
of what was trained on looks too good. The ratios are pooled within bins of the prediction: split
conformal prediction (Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World) with
Mondrian categories. What moves a whole window moves all of its customers: the ratios are spread by
as much as totals were missed. Bins are frozen with the champion: nobody's interval depends on the
batch.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

COVERAGE = 0.8
TAIL = (1 - COVERAGE) / 2
BINS = 10
# The best tenth spreads widest: it is split once more.
EXTRA_EDGE = 0.95
# With fewer buyers than this, bins are made wider.
LEAST_BUYERS_A_BIN = 50
# Shares of the buyers at which the ratios of a bin are kept.
SHARES: FloatArray = np.linspace(0, 1, 51)
# A buyer is expected to bring at most the prediction divided by this.
SMALLEST_PROBABILITY = 0.01
# A normal distribution in five points of equal weight (its quantiles at 0.1, 0.3, ...).
NORMAL_FIFTHS = (-1.2816, -0.5244, 0.0, 0.5244, 1.2816)
# Normal quantile of the two-sided 80 % interval.
NORMAL_80 = 1.2815515655446004


@dataclass(frozen=True)
class Intervals:
    """Edges of the bins (money, inner ones only) and figures by bin.

    spread: variance of actual / predicted. total_sd: standard deviation of the log of a total.
    ratios: actual / expected of a buyer at each of SHARES. low, high: bounds of actual / predicted,
    all that models of earlier versions have.
    """

    edges: tuple[float, ...]
    spread: tuple[float, ...]
    total_sd: float
    ratios: tuple[tuple[float, ...], ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def bounds(
        self, predicted: FloatArray, typical: FloatArray, probability: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Low and high around `predicted`, shape (customers,); `typical` chooses the bin.

        typical: the prediction without season and corrected total, in the money of the edges.
        probability: of a purchase.
        """
        place = self._place(typical)
        if self.ratios:
            low, high = (self._end(predicted, probability, place, a) for a in (TAIL, 1 - TAIL))
        else:
            low, high = (predicted * np.asarray(ends)[place] for ends in (self.low, self.high))
        return np.minimum(low, predicted), np.maximum(high, predicted)

    def variance(self, predicted: FloatArray, typical: FloatArray) -> FloatArray:
        """Variance of what a customer brings around `predicted`, money squared, (customers,)."""
        return predicted**2 * np.asarray(self.spread)[self._place(typical)]

    def total_bounds(self, total: float, variance: float) -> tuple[float, float]:
        """Low and high of a sum: customers scatter independently, what moves the total moves all.

        variance: the sum of the customers' variances.
        """
        scatter = variance / total**2
        width = NORMAL_80 * float(np.sqrt(scatter + self.total_sd**2))
        return total * float(np.exp(-width)), total * float(np.exp(width))

    def _place(self, typical: FloatArray) -> NDArray[np.intp]:
        """The bin of each customer."""
        return np.searchsorted(np.asarray(self.edges), typical, side="right")

    def _end(
        self, predicted: FloatArray, probability: FloatArray, place: NDArray[np.intp], share: float
    ) -> FloatArray:
        """The amount below which `share` of a customer's outcomes lie, (customers,)."""
        buys = np.maximum(probability, SMALLEST_PROBABILITY)
        of_buyers = np.clip((share - (1 - buys)) / buys, 0, 1)
        ratio = np.zeros(len(predicted))
        for number, ratios in enumerate(self.ratios):
            here = place == number
            ratio[here] = np.interp(of_buyers[here], SHARES, ratios)
        return np.where(of_buyers > 0, predicted / buys * ratio, 0.0)


def fit_intervals(
    actual: FloatArray,
    predicted: FloatArray,
    probability: FloatArray,
    bought: BoolArray,
    *,
    total_sd: float,
) -> Intervals:
    """Intervals from out-of-fold predictions of shape (rows,), season-free.

    actual, predicted: money, predicted > 0. probability: of a purchase. bought: whether there was
    one. Errors: ValueError without rows.

    >>> brought = np.repeat([50.0, 100.0, 100.0, 150.0], 25)
    >>> always = np.ones(100)
    >>> bands = fit_intervals(brought, 100 * always, always, always > 0, total_sd=0.0)
    >>> [end.tolist() for end in bands.bounds(*np.array([[10.0], [10.0], [1.0]]))]
    [[5.0], [15.0]]
    """
    if not len(predicted):
        raise ValueError("no held-out prediction: intervals need at least one matured window")
    edges = _edges(predicted, bought)
    place = np.searchsorted(edges, predicted, side="right")
    expected = predicted / np.maximum(probability, SMALLEST_PROBABILITY)
    ratio = np.maximum(actual, 0) / expected
    everybody = _ratios(ratio[bought], total_sd)
    ratios, spread = [], []
    for number in range(len(edges) + 1):
        here = place == number
        buyers = ratio[here & bought]
        enough = len(buyers) >= min(LEAST_BUYERS_A_BIN, bought.sum())
        ratios.append(_ratios(buyers, total_sd) if enough else everybody)
        spread.append(float((actual[here] / predicted[here]).var()) if here.any() else 1.0)
    return Intervals(
        edges=tuple(edges.tolist()),
        spread=tuple(spread),
        total_sd=total_sd,
        ratios=tuple(ratios),
    )


def _edges(predicted: FloatArray, bought: BoolArray) -> FloatArray:
    """Inner edges: deciles, the best one split again; fewer with few buyers, distinct always."""
    bins = int(np.clip(bought.sum() // LEAST_BUYERS_A_BIN, 1, BINS))
    shares = np.arange(1, bins) / bins
    if bought.sum() >= 2 * BINS * LEAST_BUYERS_A_BIN:
        shares = np.append(shares, EXTRA_EDGE)
    return np.unique(np.quantile(predicted, shares))


def _ratios(ratio: FloatArray, total_sd: float) -> tuple[float, ...]:
    """The ratios of some buyers at SHARES, each spread by what moves a whole window."""
    if not len(ratio):
        return tuple(SHARES.tolist())
    moved = ratio[:, None] * np.exp(total_sd * np.asarray(NORMAL_FIFTHS))
    return tuple(np.quantile(moved, SHARES).tolist())
