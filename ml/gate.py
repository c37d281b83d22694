"""The promotion gate: which forecast may serve, judged on windows that were not trained on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.metrics import paired_bootstrap

FloatArray = NDArray[np.float64]

# Trees need at least as many training cutoffs; with fewer they lose to Pareto/NBD.
LEAST_CUTOFFS = 3
# A forecast is refused when it beats a rival in a smaller share of the resamples.
REFUSED_BELOW = {"prior": 0.25, "pareto_nbd": 0.5, "naive": 0.5}
RESAMPLES = 400


@dataclass(frozen=True)
class Comparison:
    """One paired bootstrap on D2: candidate minus rival, its 90 % bounds, share of wins."""

    candidate: str
    rival: str
    difference: float
    low: float
    high: float
    share_better: float

    @property
    def is_passed(self) -> bool:
        """Whether the rival does not speak against the candidate (an undefined D2 does not)."""
        return not self.share_better < REFUSED_BELOW[self.rival]


@dataclass(frozen=True)
class GateResult:
    """What serves, why, on which evidence, and every comparison that was made."""

    serves: str
    reason: str
    evidence: str
    comparisons: tuple[Comparison, ...]


def compare(
    actual: FloatArray, predicted: dict[str, FloatArray], candidate: str, *, seed: int
) -> tuple[Comparison, ...]:
    """Candidate against every other forecast on the same customers, each of shape (rows,)."""
    found: list[Comparison] = []
    for rival in (name for name in REFUSED_BELOW if name in predicted and name != candidate):
        result = paired_bootstrap(
            actual,
            predicted[candidate],
            predicted[rival],
            metric="d2",
            seed=seed,
            resamples=RESAMPLES,
        )
        figures = (result.difference, result.low, result.high, result.share_better)
        found.append(Comparison(candidate, rival, *figures))
    return tuple(found)


def choose(
    actual: FloatArray,
    predicted: dict[str, FloatArray],
    *,
    refusal: str,
    evidence: str,
    seed: int,
) -> GateResult:
    """The first of trees, prior, Pareto/NBD and naive that no simpler one speaks against.

    predicted: by name, shape (rows,). refusal: why trees cannot serve, empty if they can.
    Without rows the prior serves: it holds the simpler forecasts as its parts.
    """
    if not len(actual):
        return GateResult("prior", refusal or "no evidence on matured windows", evidence, ())
    made: list[Comparison] = []
    reasons = [refusal] if refusal else []
    for candidate in ("trees", "prior", "pareto_nbd"):
        if candidate not in predicted or (candidate == "trees" and refusal):
            continue
        compared = _against_simpler(actual, predicted, candidate, seed)
        made += compared
        lost = [comparison for comparison in compared if not comparison.is_passed]
        if not lost:
            text = "; ".join([*reasons, f"{candidate} holds against the simpler forecasts"])
            return GateResult(candidate, text, evidence, tuple(made))
        reasons.append(
            f"{candidate} beats {lost[0].rival} in {lost[0].share_better:.0%} of the resamples only"
        )
    return GateResult("naive", "; ".join(reasons), evidence, tuple(made))


def _against_simpler(
    actual: FloatArray, predicted: dict[str, FloatArray], candidate: str, seed: int
) -> tuple[Comparison, ...]:
    """Comparisons with the forecasts that come after the candidate."""
    order = ["trees", "prior", "pareto_nbd", "naive"]
    simpler = order[order.index(candidate) :]
    return compare(actual, {n: predicted[n] for n in simpler if n in predicted}, candidate, seed=seed)
