"""What the card says of a training: settings, decisions with their figures, out-of-time accuracy.

Keys are a contract: cards of all models have them, and drift, report and marts read them. They keep
the names of the first version: prior is the blend, level the correction of the total, segments are
kinds of customers.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.model.champion.gate import NAIVE, PARETO_NBD, GateResult
from ml.model.champion.replays import Replay
from ml.model.forecast.recipe import Recipe
from ml.model.forecast.trees import BLEND_SHARE, SETTINGS, SHARED
from ml.model.measures.bootstrap import paired_bootstrap
from ml.model.measures.by_customer_kind import accuracy_by_kind
from ml.model.measures.drift import frozen_record
from ml.model.measures.metrics import METRICS

FloatArray = NDArray[np.float64]

RIVALS = (NAIVE, PARETO_NBD)


def card_entries(
    recipe: Recipe,
    replays: list[Replay],
    gate: GateResult,
    *,
    seed: int,
    max_examples: int,
    value_tiers: tuple[float, ...],
) -> dict[str, Any]:
    """hyper_parameters, decisions, baseline (of what serves) and baselines (of the rivals)."""
    served = [replay.served(gate) for replay in replays]
    measured_on = [replay.measured_on(gate.serves) for replay in replays]
    settings = {
        name: {**dict(chosen), "rounds": rounds} for name, (chosen, rounds) in SETTINGS.items()
    }
    return {
        "hyper_parameters": {
            "trees": settings,
            "shared": dict(SHARED),
            "prior_share": BLEND_SHARE,
            "prior_weights": dict(recipe.blend.weights),
            "seed": seed,
            "max_examples": max_examples,
        },
        "decisions": _decisions(recipe, gate),
        "baseline": _out_of_time(replays, served, measured_on)
        | _watched(replays, served)
        | {"segments": _kinds(replays, served, value_tiers)},
        "baselines": {
            rival: _out_of_time(
                replays, [replay.rivals[rival] for replay in replays], [rival] * len(replays)
            )
            | _lead_over(rival, replays, served, seed)
            for rival in RIVALS
        },
    }


def _decisions(recipe: Recipe, gate: GateResult) -> dict[str, Any]:
    """Every decision with its figures."""
    season, correction = recipe.windows.season, recipe.total_correction
    return {
        "serves": gate.serves,
        "gate": {
            "reason": gate.reason,
            "weights": dict(gate.weights),
            "comparisons": [vars(comparison) for comparison in gate.comparisons],
        },
        "season": vars(season) | {"index": list(season.index)},
        "level": vars(correction) | {"log_ratios": list(correction.log_ratios)},
        "training_cutoffs": list(recipe.tree_cutoffs),
        "prior_cutoffs": list(recipe.blend_cutoffs),
    }


def _out_of_time(
    replays: list[Replay], forecasts: list[FloatArray], measured_on: list[str]
) -> dict[str, Any]:
    """Mean metrics of a forecast over the replays; forecasts: its money in each."""
    by_replay = [
        {metric: score(replay.actual, money) for metric, score in METRICS.items()}
        for replay, money in zip(replays, forecasts, strict=True)
    ]
    means = {metric: _mean([figures[metric] for figures in by_replay]) for metric in METRICS}
    means["mean_actual"] = _mean([float(replay.actual.mean()) for replay in replays])
    return {
        **means,
        "cutoffs": [replay.cutoff for replay in replays],
        "measured_on": measured_on,
    }


def _kinds(
    replays: list[Replay], served: list[FloatArray], value_tiers: tuple[float, ...]
) -> list[dict[str, Any]]:
    """Accuracy of what serves by kind of customer in the newest replay."""
    if not replays:
        return []
    newest = replays[0]
    return accuracy_by_kind(
        newest.actual, served[0], newest.customer_age_days, value_tiers=value_tiers
    )


def _watched(replays: list[Replay], served: list[FloatArray]) -> dict[str, Any]:
    """What later windows are compared with: yardsticks and calibration of what serves."""
    return frozen_record(
        [
            (replay.actual, money, [replay.rivals[rival] for rival in RIVALS])
            for replay, money in zip(replays, served, strict=True)
        ]
    )


def _lead_over(
    rival: str, replays: list[Replay], served: list[FloatArray], seed: int
) -> dict[str, Any]:
    """Paired bootstrap on D2 of what serves against a rival, over all replays."""
    if not replays:
        return {}
    actual = np.concatenate([replay.actual for replay in replays])
    theirs = np.concatenate([replay.rivals[rival] for replay in replays])
    lead = paired_bootstrap(actual, np.concatenate(served), theirs, metric="d2", seed=seed)
    return {
        "champion_d2_difference": lead.difference,
        "champion_d2_difference_low": lead.low,
        "champion_d2_difference_high": lead.high,
    }


def _mean(values: list[float]) -> float:
    """Mean of the finite values, NaN without any."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")
