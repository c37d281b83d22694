"""The promotion gate: which forecast may serve, judged on what was not trained on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.model.measures.bootstrap import paired_bootstrap

FloatArray = NDArray[np.float64]

# A forecast is refused if a simpler one is significantly better: 95 %, two-sided.
Z_95 = 1.96
# What separates two good forecasts differs between windows by about this much D2 (standard
# deviation), which the customers of one window cannot show.
WINDOW_SPREAD = 0.02
RESAMPLES = 400
# From the richest to the simplest.
ORDER = ("trees", "prior", "pareto_nbd", "naive")


@dataclass(frozen=True)
class Evidence:
    """Forecasts by name and the truth, money, each (rows,), of so many windows, from where."""

    actual: FloatArray
    predicted: dict[str, FloatArray]
    windows: int
    source: str


@dataclass(frozen=True)
class Comparison:
    """One paired bootstrap on D2: candidate minus rival, its 90 % bounds, share of wins.

    margin: by how much the rival had to be better to be significantly better, over customers and
    windows.
    """

    candidate: str
    rival: str
    source: str
    difference: float
    low: float
    high: float
    share_better: float
    margin: float

    @property
    def is_passed(self) -> bool:
        """Whether the rival does not speak against the candidate (an undefined D2 does not)."""
        return not self.difference < -self.margin


@dataclass(frozen=True)
class GateResult:
    """What serves, why, and every comparison that was made."""

    serves: str
    reason: str
    comparisons: tuple[Comparison, ...]


def choose(held_out: Evidence, replays: list[Evidence], *, refusal: str, seed: int) -> GateResult:
    """The richest forecast that no simpler one speaks against.

    held_out: training rows whose customers were not trained on; replays: earlier trainings under
    like conditions and the windows that followed. Trees are held against the prior on the first,
    everything against Pareto/NBD and naive on the second (on the first if there is none). refusal:
    why trees cannot serve, empty if they can. What one training cutoff says about the prior itself
    is no evidence: without a replay and without trees the prior serves.
    """
    made: list[Comparison] = []
    reasons = [f"trees: {refusal}"] if refusal else []
    if refusal and not replays:
        return GateResult(
            "prior", "; ".join([*reasons, "prior: no earlier training like this one"]), ()
        )
    outside = _pooled(replays) if replays else held_out
    for candidate in ORDER[1 if refusal else 0 : -1]:
        compared = _against_simpler(candidate, held_out, outside, seed)
        made += compared
        lost = [comparison for comparison in compared if not comparison.is_passed]
        if not lost:
            text = f"{candidate}: no simpler forecast is significantly better"
            return GateResult(candidate, "; ".join([*reasons, text]), tuple(made))
        worst = min(lost, key=lambda comparison: comparison.difference)
        reasons.append(
            f"{candidate}: D2 {worst.difference:+.3f} against {worst.rival}, more than the margin "
            f"of {worst.margin:.3f}"
        )
    return GateResult("naive", "; ".join(reasons), tuple(made))


def _pooled(replays: list[Evidence]) -> Evidence:
    """All replays as one."""
    names = set.intersection(*(set(replay.predicted) for replay in replays))
    return Evidence(
        np.concatenate([replay.actual for replay in replays]),
        {
            name: np.concatenate([replay.predicted[name] for replay in replays])
            for name in ORDER
            if name in names
        },
        sum(replay.windows for replay in replays),
        "replayed at " + ", ".join(replay.source for replay in replays),
    )


def _against_simpler(
    candidate: str, held_out: Evidence, outside: Evidence, seed: int
) -> list[Comparison]:
    """The candidate against every forecast after it in ORDER."""
    found: list[Comparison] = []
    for rival in ORDER[ORDER.index(candidate) + 1 :]:
        evidence = held_out if rival == "prior" else outside
        result = paired_bootstrap(
            evidence.actual,
            evidence.predicted[candidate],
            evidence.predicted[rival],
            metric="d2",
            seed=seed,
            resamples=RESAMPLES,
        )
        noise = (result.high - result.low) / (2 * 1.645)
        margin = Z_95 * float(np.hypot(noise, WINDOW_SPREAD / np.sqrt(evidence.windows)))
        figures = (result.difference, result.low, result.high, result.share_better, margin)
        found.append(Comparison(candidate, rival, evidence.source, *figures))
    return found
