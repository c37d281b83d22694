"""The gate: how much each forecast serves, judged on what was not trained on.

1. There are four forecasts, from the richest to the simplest: trees, blend, Pareto/NBD, naive.
2. Each has told the future before: in replays, whose windows have matured since.
3. Who was nearer gets more weight. With few replays the weights stay near those of PRIOR, in which
   the simple forecasts have a third of the say.
4. The weighted geometric mean serves. Forecasts that are wrong in different ways correct each
   other, so it is seldom far behind the best, which nobody knows in advance.
5. Probabilities of a purchase are mixed in the same weights.

    weight ~ prior x exp(LEARNING_RATE x sum over the replays of max(score - best score, -MOST))

A score is the D2 of a replay. This is the exponentially weighted forecaster (Vovk 1990;
Cesa-Bianchi & Lugosi 2006, Prediction, Learning, and Games, ch. 2). Where all customers brought the
same, D2 is undefined; then the score is the share of the mean that the mean absolute error leaves.
Where nobody brought anything, there is no score, and the replay says nothing.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from ml.model.measures.bootstrap import paired_bootstrap
from ml.model.measures.metrics import d2, mae

FloatArray = NDArray[np.float64]

# Names of the forecasts on cards and in marts; the blend is called prior there.
TREES, BLEND, PARETO_NBD, NAIVE = "trees", "prior", "pareto_nbd", "naive"
# From the richest to the simplest.
ORDER = (TREES, BLEND, PARETO_NBD, NAIVE)
# Weights before any replay has spoken.
PRIOR = {TREES: 0.45, BLEND: 0.2, PARETO_NBD: 0.33, NAIVE: 0.02}
LEARNING_RATE = 12.0
# What one replay can say against a forecast at most: one odd window must not decide alone.
MOST = 0.5
# Names for people.
SPOKEN = {TREES: "trees", BLEND: "blend", PARETO_NBD: "Pareto/NBD", NAIVE: "naive"}
RESAMPLES = 400
# No probability counts as surer than this.
SURE = 1e-4


@dataclass(frozen=True)
class Evidence:
    """Forecasts by name and the truth of a replay, money, each (customers,)."""

    actual: FloatArray
    forecasts: dict[str, FloatArray]
    source: str

    def money(self, name: str) -> FloatArray:
        """What a forecast said; the blend speaks for trees that the replay was too early for."""
        return self.forecasts.get(name, self.forecasts[BLEND])

    @property
    def is_alike(self) -> bool:
        """Whether D2 cannot be told, because all customers brought the same."""
        return not np.isfinite(d2(self.actual, self.money(BLEND)))


@dataclass(frozen=True)
class Comparison:
    """One paired bootstrap on D2: candidate minus rival, its 90 % bounds, share of wins.

    margin: what models of earlier versions asked a rival to be better by; 0 since.
    """

    candidate: str
    rival: str
    source: str
    difference: float
    low: float
    high: float
    share_better: float
    margin: float = 0.0


@dataclass(frozen=True)
class GateResult:
    """The forecast that counts most, why, every comparison that was made, and the weights.

    weights: of the geometric mean, by name, sum 1. Models of earlier versions have none: what
    serves, serves alone.
    """

    serves: str
    reason: str
    comparisons: tuple[Comparison, ...]
    weights: dict[str, float] = field(default_factory=dict)

    def weight(self, name: str) -> float:
        """How much a forecast counts, 0..1."""
        return self.weights.get(name, 0.0) if self.weights else float(name == self.serves)

    def served(self, forecasts: dict[str, FloatArray]) -> FloatArray:
        """The weighted geometric mean of forecasts above 0, (customers,).

        A replay without trees gives their weight to its blend.
        """
        weights = dict(self.weights) or {self.serves: 1.0}
        if TREES in weights and TREES not in forecasts:
            weights[BLEND] = weights.get(BLEND, 0.0) + weights.pop(TREES)
        counted = {name: weight for name, weight in weights.items() if weight}
        if len(counted) == 1:
            return forecasts[next(iter(counted))]
        logs = [weight * np.log(forecasts[name]) for name, weight in counted.items()]
        return np.exp(np.sum(logs, axis=0))

    def probability(self, learned: FloatArray, textbook: FloatArray) -> FloatArray:
        """Probabilities of a purchase in the same weights, as log odds, (customers,).

        learned: by the trees, in the weight of trees and blend; textbook: by Pareto/NBD. In models
        of earlier versions the learned one alone.
        """
        if not self.weights:
            return learned
        share = self.weight(TREES) + self.weight(BLEND)
        odds = [logit(np.clip(one, SURE, 1 - SURE)) for one in (learned, textbook)]
        return expit(share * odds[0] + (1 - share) * odds[1])


def weigh(replays: list[Evidence], *, refusal: str, seed: int) -> GateResult:
    """The weights of every forecast by the replays.

    refusal: why trees cannot serve, empty if they can.
    """
    names = [name for name in ORDER if not (refusal and name == TREES)]
    judged = [replay for replay in replays if replay.actual.mean() > 0]
    said = np.zeros(len(names))
    for replay in judged:
        scores = _scores(replay, names)
        said += np.maximum(scores - scores.max(), -MOST)
    votes = np.log([PRIOR[name] for name in names]) + LEARNING_RATE * said
    shares = np.exp(votes - votes.max())
    weights = dict(zip(names, (shares / shares.sum()).tolist(), strict=True))
    serves = max(names, key=lambda name: weights[name])
    comparisons = _comparisons(serves, names, judged, seed) if judged else ()
    reason = _reason(weights, judged, comparisons, refusal)
    return GateResult(serves=serves, reason=reason, comparisons=comparisons, weights=weights)


def _scores(replay: Evidence, names: list[str]) -> FloatArray:
    """The score of every forecast in a replay in which somebody brought something."""
    actual, money = replay.actual, [replay.money(name) for name in names]
    if replay.is_alike:
        return np.array([1 - mae(actual, one) / actual.mean() for one in money])
    return np.array([d2(actual, one) for one in money])


def _comparisons(
    serves: str, names: list[str], replays: list[Evidence], seed: int
) -> tuple[Comparison, ...]:
    """What counts most against every other forecast, over all replays."""
    actual = np.concatenate([replay.actual for replay in replays])
    money = {name: np.concatenate([replay.money(name) for replay in replays]) for name in names}
    source = "replayed at " + ", ".join(replay.source for replay in replays)
    return tuple(
        _compared(serves, rival, source, (actual, money[serves], money[rival]), seed)
        for rival in names
        if rival != serves
    )


def _compared(
    candidate: str, rival: str, source: str, columns: tuple[FloatArray, ...], seed: int
) -> Comparison:
    """The candidate against one rival; columns: actual, candidate's and rival's money."""
    result = paired_bootstrap(*columns, metric="d2", seed=seed, resamples=RESAMPLES)
    return Comparison(
        candidate=candidate,
        rival=rival,
        source=source,
        difference=result.difference,
        low=result.low,
        high=result.high,
        share_better=result.share_better,
    )


def _reason(
    weights: dict[str, float],
    judged: list[Evidence],
    comparisons: tuple[Comparison, ...],
    refusal: str,
) -> str:
    """The weights, and what they stand on, in words."""
    parts = [f"trees: {refusal}"] if refusal else []
    shares = ", ".join(f"{SPOKEN[name]} {share:.2f}" for name, share in weights.items())
    if not judged:
        return "; ".join([*parts, f"weights {shares}: no earlier training can be judged yet"])
    measure = "D2"
    if any(replay.is_alike for replay in judged):
        measure = "D2, or the mean absolute error where all brought the same,"
    trainings = f"{len(judged)} earlier training{'s' if len(judged) > 1 else ''}"
    parts.append(f"weights {shares}, from {measure} in {trainings}")
    parts += [
        f"{SPOKEN[one.rival]} is ahead of {SPOKEN[one.candidate]} by {-one.difference:.3f} over "
        f"these customers together ({-one.high:.3f} to {-one.low:.3f}) and counts "
        f"{weights[one.rival]:.2f}: window by window it was not ahead enough for more"
        for one in comparisons
        if one.difference < 0
    ]
    return "; ".join(parts)
