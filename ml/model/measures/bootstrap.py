"""Is one forecast better than another, or was it luck? A paired bootstrap over the customers.

1. The customers of a window are one draw of those who might have come.
2. So they are drawn again, as many as there are, with replacement, many times (Efron 1979).
3. Both forecasts are scored on the same draw. What is hard about a draw is hard for both, so their
   difference varies much less than either score.
4. The percentiles of the differences are the interval: one that excludes 0 is more than luck.

It knows the luck of the customers only. What a whole window has in common (a recession, a campaign)
is the same in every draw; gate.py adds that.

A resample is a vector of weights, how often each customer was drawn: see metrics.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.model.measures.metrics import LOWER_IS_BETTER, METRICS, WEIGHTED, Weighted, checked

FloatArray = NDArray[np.float64]

# Resamples x customers held in memory at once.
_CHUNK_CELLS = 4_000_000


@dataclass(frozen=True)
class BootstrapDifference:
    """Champion's metric minus the rival's, its interval, and how often the champion is better.

    share_better is the share of resamples in which the champion is better, a tie counting half.
    All are NaN where the metric is undefined.
    """

    difference: float
    low: float
    high: float
    share_better: float


def paired_bootstrap(
    actual: ArrayLike,
    champion: ArrayLike,
    rival: ArrayLike,
    *,
    metric: str,
    seed: int,
    resamples: int = 1000,
    confidence: float = 0.9,
) -> BootstrapDifference:
    """Champion's metric minus the rival's on the same resampled customers (Efron 1979).

    metric: a key of METRICS. low and high are the percentiles that hold `confidence` of the
    resampled differences. A bias enters as its distance from 0.
    Resamples that do not define the metric are left out. Errors: also ValueError for an unknown
    metric, a confidence outside 0..1, or no resamples.

    >>> actual = np.arange(50.0)
    >>> result = paired_bootstrap(actual, actual + 1, actual + 3, metric="mae", seed=1)
    >>> (result.difference, result.low, result.high, result.share_better)
    (-2.0, -2.0, -2.0, 1.0)
    """
    values, ours, theirs = checked(actual=actual, champion=champion, rival=rival)
    if not (0 < confidence < 1 and resamples >= 1):
        raise ValueError(f"confidence is {confidence}, resamples {resamples}: give 0..1 and >= 1")
    difference = _weighted_difference(values, ours, theirs, metric)
    whole = float(difference(np.ones((1, values.size)))[0])
    draws = _resampled(difference, values.size, resamples, seed)
    lower_is_better = metric in LOWER_IS_BETTER
    return _summary(whole, draws[np.isfinite(draws)], confidence, lower_is_better=lower_is_better)


def _resampled(
    score: Callable[[FloatArray], FloatArray], customers: int, resamples: int, seed: int
) -> FloatArray:
    """`score` over draws of the customers with replacement; its rows run over the resamples."""
    generator = np.random.default_rng(seed)
    chunk = max(1, _CHUNK_CELLS // customers)
    pieces: list[FloatArray] = []
    for start in range(0, resamples, chunk):
        weights = np.empty((min(chunk, resamples - start), customers))
        for line in weights:
            drawn = generator.integers(0, customers, customers)
            line[:] = np.bincount(drawn, minlength=customers)
        pieces.append(score(weights))
    return np.concatenate(pieces)


def _weighted_difference(
    actual: FloatArray, champion: FloatArray, rival: FloatArray, metric: str
) -> Weighted:
    """Champion's metric minus the rival's; biases as distances from 0.

    Errors: ValueError for an unknown metric.
    """
    if metric not in WEIGHTED:
        raise ValueError(f"metric is {metric!r}: choose one of {', '.join(METRICS)}")
    pair = [WEIGHTED[metric](actual, predicted) for predicted in (champion, rival)]

    def difference(weights: FloatArray) -> FloatArray:
        champion_score, rival_score = (score(weights) for score in pair)
        if metric == "bias":
            return np.abs(champion_score) - np.abs(rival_score)
        return champion_score - rival_score

    return difference


def _summary(
    difference: float, draws: FloatArray, confidence: float, *, lower_is_better: bool
) -> BootstrapDifference:
    """Percentile interval and share of wins of the resampled differences, NaN without any."""
    if not (np.isfinite(difference) and draws.size):
        undefined = float("nan")
        return BootstrapDifference(
            difference=undefined, low=undefined, high=undefined, share_better=undefined
        )
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    wins = draws < 0 if lower_is_better else draws > 0
    share = float(np.mean(wins) + np.mean(draws == 0) / 2)
    return BootstrapDifference(
        difference=difference, low=float(low), high=float(high), share_better=share
    )
