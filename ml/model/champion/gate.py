"""The promotion gate: which forecast may serve, judged on what was not trained on.

1. There are four forecasts, from the richest to the simplest: trees, blend, Pareto/NBD, naive.
2. The richest serves, unless a simpler one is significantly better.
3. Then the next one is tried, down to naive.
4. Significant: better by more than the customers' luck and the difference between windows explain.

    margin = 1.96 sqrt(noise^2 + WINDOW_SPREAD^2 / windows),   noise = (high - low) / (2 x 1.645)

low and high are the 90 % bounds of a paired bootstrap of D2. They know the customers of these
windows only. The same comparison in another window comes out differently by WINDOW_SPREAD, however
many customers there are, so its square is added.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.model.measures.bootstrap import paired_bootstrap

FloatArray = NDArray[np.float64]

# Names of the forecasts on cards and in marts; the blend is called prior there.
TREES, BLEND, PARETO_NBD, NAIVE = "trees", "prior", "pareto_nbd", "naive"
# From the richest to the simplest.
ORDER = (TREES, BLEND, PARETO_NBD, NAIVE)
# A forecast is refused if a simpler one is significantly better: 95 %, two-sided.
Z_95 = 1.96
# 90 %, two-sided: what the bounds of the bootstrap are, as quantiles of a normal distribution.
Z_90 = 1.645
# What separates two good forecasts differs between windows by about this much D2 (standard
# deviation), which the customers of one window cannot show.
WINDOW_SPREAD = 0.02
RESAMPLES = 400


@dataclass(frozen=True)
class Evidence:
    """Forecasts by name and the truth, money, each (rows,), of so many windows, from where."""

    actual: FloatArray
    forecasts: dict[str, FloatArray]
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
        """True unless the rival is significantly better; true where D2 is undefined (NaN)."""
        return not self.difference < -self.margin


@dataclass(frozen=True)
class GateResult:
    """What serves, why, and every comparison that was made."""

    serves: str
    reason: str
    comparisons: tuple[Comparison, ...]


def choose(held_out: Evidence, replays: list[Evidence], *, refusal: str, seed: int) -> GateResult:
    """The richest forecast that no simpler one is significantly better than.

    held_out: training rows whose customers were not trained on; replays: earlier trainings under
    like conditions and the windows that followed. Trees are compared with the blend on the first,
    everything with Pareto/NBD and naive on the second (on the first if there is none). refusal: why
    trees cannot serve, empty if they can. What one training cutoff says about the blend itself is
    no evidence: without a replay and without trees the blend serves.
    """
    made: list[Comparison] = []
    reasons = [f"{TREES}: {refusal}"] if refusal else []
    if refusal and not replays:
        reasons.append(f"{BLEND}: no earlier training like this one")
        return GateResult(serves=BLEND, reason="; ".join(reasons), comparisons=())
    outside = _pooled(replays) if replays else held_out
    for candidate in ORDER[1 if refusal else 0 : -1]:
        compared = _against_simpler(candidate, held_out, outside, seed)
        made += compared
        lost = [comparison for comparison in compared if not comparison.is_passed]
        if not lost:
            reasons.append(f"{candidate}: no simpler forecast is significantly better")
            return GateResult(serves=candidate, reason="; ".join(reasons), comparisons=tuple(made))
        worst = min(lost, key=lambda comparison: comparison.difference)
        reasons.append(
            f"{candidate}: D2 {worst.difference:+.3f} against {worst.rival}, more than the margin "
            f"of {worst.margin:.3f}"
        )
    return GateResult(serves=NAIVE, reason="; ".join(reasons), comparisons=tuple(made))


def _pooled(replays: list[Evidence]) -> Evidence:
    """All replays as one."""
    names = set.intersection(*(set(replay.forecasts) for replay in replays))
    return Evidence(
        actual=np.concatenate([replay.actual for replay in replays]),
        forecasts={
            name: np.concatenate([replay.forecasts[name] for replay in replays])
            for name in ORDER
            if name in names
        },
        windows=sum(replay.windows for replay in replays),
        source="replayed at " + ", ".join(replay.source for replay in replays),
    )


def _against_simpler(
    candidate: str, held_out: Evidence, outside: Evidence, seed: int
) -> list[Comparison]:
    """The candidate against every forecast after it in ORDER."""
    return [
        _compared(candidate, rival, held_out if rival == BLEND else outside, seed)
        for rival in ORDER[ORDER.index(candidate) + 1 :]
    ]


def _compared(candidate: str, rival: str, evidence: Evidence, seed: int) -> Comparison:
    """The candidate against one rival."""
    result = paired_bootstrap(
        evidence.actual,
        evidence.forecasts[candidate],
        evidence.forecasts[rival],
        metric="d2",
        seed=seed,
        resamples=RESAMPLES,
    )
    noise = (result.high - result.low) / (2 * Z_90)
    return Comparison(
        candidate=candidate,
        rival=rival,
        source=evidence.source,
        difference=result.difference,
        low=result.low,
        high=result.high,
        share_better=result.share_better,
        margin=Z_95 * float(np.hypot(noise, WINDOW_SPREAD / np.sqrt(evidence.windows))),
    )
