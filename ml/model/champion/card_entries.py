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
        "baseline": _out_of_time(replays, gate.serves)
        | _watched(replays, gate.serves)
        | {"segments": _kinds(replays, gate.serves, value_tiers)},
        "baselines": {
            rival: _out_of_time(replays, rival) | _lead_over(rival, replays, gate.serves, seed)
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
            "comparisons": [vars(comparison) for comparison in gate.comparisons],
        },
        "season": vars(season) | {"index": list(season.index)},
        "level": vars(correction) | {"log_ratios": list(correction.log_ratios)},
        "training_cutoffs": list(recipe.tree_cutoffs),
        "prior_cutoffs": list(recipe.blend_cutoffs),
    }


def _out_of_time(replays: list[Replay], name: str) -> dict[str, Any]:
    """Mean metrics of a forecast over the replays; where a replay has no trees, of its blend."""
    by_replay = [
        {metric: score(replay.actual, replay.forecast(name)) for metric, score in METRICS.items()}
        for replay in replays
    ]
    means = {metric: _mean([figures[metric] for figures in by_replay]) for metric in METRICS}
    means["mean_actual"] = _mean([float(replay.actual.mean()) for replay in replays])
    return {
        **means,
        "cutoffs": [replay.cutoff for replay in replays],
        "measured_on": [replay.measured_on(name) for replay in replays],
    }


def _kinds(
    replays: list[Replay], name: str, value_tiers: tuple[float, ...]
) -> list[dict[str, Any]]:
    """Accuracy of a forecast by kind of customer in the newest replay."""
    if not replays:
        return []
    newest = replays[0]
    return accuracy_by_kind(
        newest.actual, newest.forecast(name), newest.tenure_days, value_tiers=value_tiers
    )


def _watched(replays: list[Replay], name: str) -> dict[str, Any]:
    """What later windows are compared with: yardsticks and calibration of a forecast's replays."""
    return frozen_record(
        [
            (replay.actual, replay.forecast(name), [replay.forecast(rival) for rival in RIVALS])
            for replay in replays
        ]
    )


def _lead_over(rival: str, replays: list[Replay], serves: str, seed: int) -> dict[str, Any]:
    """Paired bootstrap on D2 of what serves against a rival, over all replays."""
    if not replays:
        return {}
    actual = np.concatenate([replay.actual for replay in replays])
    ours, theirs = (
        np.concatenate([replay.forecast(name) for replay in replays]) for name in (serves, rival)
    )
    lead = paired_bootstrap(actual, ours, theirs, metric="d2", seed=seed)
    return {
        "champion_d2_difference": lead.difference,
        "champion_d2_difference_low": lead.low,
        "champion_d2_difference_high": lead.high,
    }


def _mean(values: list[float]) -> float:
    """Mean of the finite values, NaN without any."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")
