"""The champion: the recipe, the gate's verdict on it, its intervals and its out-of-time record."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.model.champion.gate import Evidence, GateResult, choose
from ml.model.champion.rivals import BuyTillYouDie, Naive, fit_naive, fit_purchase_rival
from ml.model.forecast.blend import PARTS
from ml.model.forecast.drivers import strongest_drivers
from ml.model.forecast.intervals import Intervals, fit_intervals
from ml.model.forecast.recipe import (
    PRIOR_CUTOFFS,
    Lessons,
    Reading,
    Recipe,
    Spending,
    customer_hash,
    fit_recipe,
)
from ml.model.forecast.trees import LEAST_CUTOFFS, PRIOR_SHARE, SETTINGS, SHARED, Inputs, fit_trees
from ml.model.measures.bootstrap import paired_bootstrap
from ml.model.measures.by_customer_kind import accuracy_by_kind
from ml.model.measures.drift import frozen_record
from ml.model.measures.metrics import METRICS

FloatArray = NDArray[np.float64]

# Held-out groups of customers for the intervals.
CUSTOMER_FOLDS = 2
PARETO_COLUMN = 2


class NothingMaturedError(ValueError):
    """No label window has matured by the cutoff: there is nothing to learn from."""


@dataclass(frozen=True)
class Replay:
    """One training replayed at an earlier cutoff and what came of it.

    actual and predicted (by forecast) are money of its label window, tenure_days the customers'
    age, shape (customers,).
    """

    cutoff: str
    actual: FloatArray
    predicted: dict[str, FloatArray]
    tenure_days: FloatArray
    recipe: Recipe


@dataclass(frozen=True)
class Champion:
    """Everything needed to score, explain and watch; loadable without the training data."""

    recipe: Recipe
    naive: Naive
    pareto_nbd: BuyTillYouDie
    gate: GateResult
    intervals: Intervals
    cutoff: str
    record: dict[str, Any]

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """PREDICTION_COLUMNS in row order: money with an 80 % interval, a probability, a variance.

        features: rows of customer_features(). Predictions are above 0, no interval is below 0.
        """
        if features.empty:
            return pd.DataFrame({name: pd.Series(dtype=float) for name in PREDICTION_COLUMNS})
        return self.predict_read(self.read(features))

    def read(self, features: pd.DataFrame) -> Reading:
        """What predictions, rivals and drivers of at least one customer start from."""
        return self.recipe.read(features)

    def predict_read(self, reading: Reading) -> pd.DataFrame:
        """PREDICTION_COLUMNS of what was read, in row order."""
        spending = self.recipe.spending(reading)
        money = self._served(reading, spending)
        # season and level move the money, not the kind of customer that chooses the interval
        typical = money * (spending.typical / spending.trees)
        low, high = self.intervals.bounds(money, typical)
        variance = self.intervals.variance(money, typical)
        columns = (money, low, high, np.clip(spending.probability, 0, 1), variance)
        return pd.DataFrame(
            dict(zip(PREDICTION_COLUMNS, columns, strict=True)), index=reading.features.index
        )

    def rivals(self, reading: Reading) -> pd.DataFrame:
        """What naive and Pareto/NBD, frozen with the champion, predict: naive, pareto_nbd."""
        columns = {
            "naive": self.naive.predict(reading.features, reading.around),
            "pareto_nbd": self.pareto_nbd.of_parts(reading.parts),
        }
        return pd.DataFrame(columns, index=reading.features.index)

    def drivers(self, reading: Reading, top: int = 3) -> pd.DataFrame:
        """The `top` strongest drivers per customer; columns as in drivers.COLUMNS."""
        return strongest_drivers(self.recipe, reading, top=top, uses_trees=self._uses_trees)

    def report(self) -> dict[str, Any]:
        """What the card says: hyper_parameters, decisions, baseline and baselines."""
        return self.record

    @property
    def _uses_trees(self) -> bool:
        return self.gate.serves == "trees"

    def _served(self, reading: Reading, spending: Spending) -> FloatArray:
        """The forecast the gate chose."""
        if self.gate.serves in ("trees", "prior"):
            return spending.trees if self._uses_trees else spending.prior
        return self.rivals(reading)[self.gate.serves].to_numpy(float)


PREDICTION_COLUMNS = (
    "predicted_clv",
    "predicted_clv_low",
    "predicted_clv_high",
    "probability_of_purchase",
    "predicted_clv_variance",
)


def fit_champion(
    examples: pd.DataFrame,
    monthly_revenue: pd.DataFrame,
    *,
    cutoff: date,
    history_months: int,
    pred_months: int,
    seed: int,
    max_examples: int,
) -> Champion:
    """Fit on what was known at `cutoff`, judge by replays at earlier cutoffs, freeze.

    examples: customer_features() of the windows of training_windows() with months_back,
    observed_months, actual_clv and actual_order_count (NaN where the label window ends after the
    cutoff). monthly_revenue: month, day_count, net_revenue of the log up to the cutoff. The same
    frames and seed give the same champion to the bit, whatever the order of the rows.
    Errors: ValueError if nobody bought or columns are missing, NothingMaturedError (a ValueError)
    if no label window has matured.
    """
    day = pd.Timestamp(cutoff)
    examples = _of_windows(examples, history_months, pred_months)
    settings = {"seed": seed, "max_examples": max_examples}
    recipe, lessons = fit_recipe(examples, monthly_revenue, cutoff=day, **settings)
    _check_matured(lessons, day, pred_months)
    replays = _replays(examples, monthly_revenue, pred_months, settings)
    held_out = _held_out(lessons, seed)
    rivals = _rivals(recipe, examples[examples["months_back"] == 0])
    gate = _judge(recipe, lessons, replays, held_out, rivals, seed)
    intervals = _intervals(recipe, lessons, held_out, gate, rivals)
    record = _record(recipe, replays, gate, settings)
    return Champion(recipe, *rivals, gate, intervals, day.date().isoformat(), record)


def _check_matured(lessons: Lessons, day: pd.Timestamp, pred_months: int) -> None:
    """Raise NothingMaturedError if there is nothing to learn from."""
    if lessons.rows.empty:
        raise NothingMaturedError(
            f"no window of {pred_months} months has matured by {day.date()}: train later, or with "
            "fewer pred_months"
        )


def _of_windows(examples: pd.DataFrame, history_months: int, pred_months: int) -> pd.DataFrame:
    """The rows sorted by cutoff and customer. Errors: ValueError for other windows than asked."""
    found = set(zip(examples["history_months"], examples["pred_months"], strict=True))
    if found - {(history_months, pred_months)}:
        raise ValueError(
            f"examples hold windows of {sorted(found)} months, asked for "
            f"({history_months}, {pred_months}): build them with the same config"
        )
    frame = examples.assign(cutoff=pd.to_datetime(examples["cutoff"]))
    return frame.sort_values(["cutoff", "customer_id"], ignore_index=True)


def _rivals(recipe: Recipe, now: pd.DataFrame) -> tuple[Naive, BuyTillYouDie]:
    """Naive and Pareto/NBD, frozen at the recipe's cutoff."""
    around = recipe.windows.around(now["cutoff"])
    naive = fit_naive(now, around, recipe.forecast.pred_days)
    return naive, fit_purchase_rival(recipe.forecast, now, around, PARETO_COLUMN)


def _replays(
    examples: pd.DataFrame,
    monthly_revenue: pd.DataFrame,
    pred_months: int,
    settings: dict[str, int],
) -> list[Replay]:
    """Trainings at the newest matured cutoff and half a window before it, where rows allow."""
    back = examples.loc[examples["actual_clv"].notna(), "months_back"]
    wanted = (pred_months, pred_months + max(1, pred_months // 2))
    enough = np.minimum(examples["history_months"], 3) <= examples["observed_months"]
    usable = [months for months in wanted if ((back == months) & enough).any()]
    return [_replay(examples, monthly_revenue, months, settings) for months in usable]


def rewind(examples: pd.DataFrame, months: int) -> pd.DataFrame:
    """The examples as they were `months` before: labels that had not matured then are NaN."""
    earlier = examples[examples["months_back"] >= months]
    back = earlier["months_back"] - months
    unknown = back < earlier["pred_months"]
    return earlier.assign(
        months_back=back,
        actual_clv=earlier["actual_clv"].mask(unknown),
        actual_order_count=earlier["actual_order_count"].mask(unknown),
    )


def _replay(
    examples: pd.DataFrame,
    monthly_revenue: pd.DataFrame,
    months: int,
    settings: dict[str, int],
) -> Replay:
    """The whole training `months` back and its forecasts of the window that followed."""
    then = examples[examples["months_back"] == months]
    day = pd.Timestamp(then["cutoff"].iloc[0])
    recipe, _ = fit_recipe(rewind(examples, months), monthly_revenue, cutoff=day, **settings)
    spending = recipe.spending(recipe.read(then))
    predicted = {"prior": spending.prior}
    if recipe.trees is not None:
        predicted["trees"] = spending.trees
    around = recipe.windows.around(then["cutoff"])
    for name, rival in zip(("naive", "pareto_nbd"), _rivals(recipe, then), strict=True):
        predicted[name] = rival.predict(then, around)
    actual = then["actual_clv"].to_numpy(float)
    tenure_days = then["tenure_days"].to_numpy(float)
    return Replay(day.date().isoformat(), actual, predicted, tenure_days, recipe)


def _held_out(lessons: Lessons, seed: int) -> FloatArray | None:
    """Season-free forecasts of trees that have not seen the customer, (rows,); None without trees.

    Two groups of customers by a hash of their id; each is predicted by trees of the other.
    """
    if lessons.rows["cutoff"].nunique() < LEAST_CUTOFFS or not (lessons.actual > 0).any():
        return None
    group = (customer_hash(lessons.rows) * 2**20).astype(int) % CUSTOMER_FOLDS
    found = lessons.inputs.prior.copy()
    spending = np.maximum(lessons.actual, 0)
    for number in range(CUSTOMER_FOLDS):
        seen, unseen = group != number, group == number
        if not (unseen.any() and (spending[seen] > 0).any()):
            continue
        trees = fit_trees(
            _rows_of(lessons.inputs, seen), spending[seen], lessons.bought[seen], seed=seed
        )
        found[unseen] = trees.predict(_rows_of(lessons.inputs, unseen))[0]
    return found


def _rows_of(inputs: Inputs, chosen: NDArray[np.bool_]) -> Inputs:
    """Some rows of the inputs."""
    return Inputs(
        inputs.matrix[chosen], inputs.names, inputs.prior[chosen], inputs.probability[chosen]
    )


def _judge(
    recipe: Recipe,
    lessons: Lessons,
    replays: list[Replay],
    held_out: FloatArray | None,
    rivals: tuple[Naive, BuyTillYouDie],
    seed: int,
) -> GateResult:
    """The gate on the best evidence there is.

    Whether trees have learned more than the prior shows on customers held out at the training
    cutoffs; whether the whole beats what a user could pick shows on trainings replayed earlier, as
    far as they are like this one.
    """
    refusal = ""
    if recipe.trees is None or held_out is None:
        found = len(recipe.tree_cutoffs)
        refusal = f"{found} training cutoffs with spending, trees need {LEAST_CUTOFFS}"
    usable = [replay for replay in replays if _is_alike(replay.recipe, recipe)]
    everyone = np.ones(len(lessons.rows), bool)
    forecasts = _season_free(recipe, lessons, held_out, rivals, everyone)
    windows = max(lessons.rows["cutoff"].nunique(), 1)
    unseen = Evidence(lessons.actual, forecasts, windows, "customers held out")
    past = [Evidence(replay.actual, replay.predicted, 1, replay.cutoff) for replay in usable]
    return choose(unseen, past, refusal=refusal, seed=seed)


def _is_alike(earlier: Recipe, recipe: Recipe) -> bool:
    """Whether an earlier training can speak for this one: the same season decision, trees if this
    one has them, and a mix from as many cutoffs with as much history (a young log's does not)."""
    return (
        earlier.windows.season.is_applied == recipe.windows.season.is_applied
        and (earlier.trees is not None or recipe.trees is None)
        and len(earlier.prior_cutoffs) >= min(PRIOR_CUTOFFS, len(recipe.prior_cutoffs))
        and earlier.horizon_months >= recipe.horizon_months
    )


def _season_free(
    recipe: Recipe,
    lessons: Lessons,
    held_out: FloatArray | None,
    rivals: tuple[Naive, BuyTillYouDie],
    chosen: NDArray[np.bool_],
) -> dict[str, FloatArray]:
    """Every forecast of some training rows, season-free money."""
    rows = lessons.rows[chosen]
    around = recipe.windows.around(rows["cutoff"])
    found = {
        name: rival.predict(rows, around)
        for name, rival in zip(("naive", "pareto_nbd"), rivals, strict=True)
    }
    found["prior"] = lessons.inputs.prior[chosen]
    if held_out is not None:
        found["trees"] = held_out[chosen]
    return found


def _intervals(
    recipe: Recipe,
    lessons: Lessons,
    held_out: FloatArray | None,
    gate: GateResult,
    rivals: tuple[Naive, BuyTillYouDie],
) -> Intervals:
    """Bands from the training rows' forecasts by what serves."""
    everything = np.ones(len(lessons.rows), bool)
    predicted = _season_free(recipe, lessons, held_out, rivals, everything)[gate.serves]
    return fit_intervals(lessons.actual, predicted, level_sd=recipe.level.sd)


def _record(
    recipe: Recipe, replays: list[Replay], gate: GateResult, settings: dict[str, int]
) -> dict[str, Any]:
    """The card's part: what was set, what was decided and why, and the out-of-time figures."""
    return {
        "hyper_parameters": {
            "trees": {
                name: {**dict(chosen), "rounds": n} for name, (chosen, n) in SETTINGS.items()
            },
            "shared": dict(SHARED),
            "prior_share": PRIOR_SHARE,
            "prior_weights": dict(zip(PARTS, recipe.prior.weights, strict=True)),
            **settings,
        },
        "decisions": _decisions(recipe, gate),
        "baseline": _out_of_time(replays, gate.serves)
        | _watched(replays, gate.serves)
        | {"segments": _segments(replays, gate.serves)},
        "baselines": {
            name: _out_of_time(replays, name) | _against(replays, gate.serves, name, settings)
            for name in ("naive", "pareto_nbd")
        },
    }


def _decisions(recipe: Recipe, gate: GateResult) -> dict[str, Any]:
    """Every decision with its figures."""
    season, level = recipe.windows.season, recipe.level
    return {
        "serves": gate.serves,
        "gate": {
            "reason": gate.reason,
            "comparisons": [vars(comparison) for comparison in gate.comparisons],
        },
        "season": vars(season) | {"index": list(season.index)},
        "level": vars(level) | {"log_ratios": list(level.log_ratios)},
        "training_cutoffs": list(recipe.tree_cutoffs),
        "prior_cutoffs": list(recipe.prior_cutoffs),
    }


def _out_of_time(replays: list[Replay], name: str) -> dict[str, Any]:
    """Mean metrics of a forecast over the replays; where a replay has no trees, of its prior."""
    shown = [replay.predicted.get(name, replay.predicted["prior"]) for replay in replays]
    rows = [
        {metric: score(replay.actual, money) for metric, score in METRICS.items()}
        for replay, money in zip(replays, shown, strict=True)
    ]
    means = {metric: _mean([row[metric] for row in rows]) for metric in METRICS}
    means["mean_actual"] = _mean([float(replay.actual.mean()) for replay in replays])
    return {
        **means,
        "cutoffs": [replay.cutoff for replay in replays],
        "measured_on": [name if name in replay.predicted else "prior" for replay in replays],
    }


def _segments(replays: list[Replay], name: str) -> list[dict[str, Any]]:
    """Accuracy by value tier and by new and old customers in the newest replay."""
    if not replays:
        return []
    newest = replays[0]
    predicted = newest.predicted.get(name, newest.predicted["prior"])
    return accuracy_by_kind(
        newest.actual, predicted, newest.tenure_days, value_tiers=(1, 5, 10, 20, 50)
    )


def _watched(replays: list[Replay], name: str) -> dict[str, Any]:
    """What later windows are held against: yardsticks and calibration of a forecast's replays."""
    return frozen_record(
        [
            (
                replay.actual,
                replay.predicted.get(name, replay.predicted["prior"]),
                [replay.predicted[rival] for rival in ("naive", "pareto_nbd")],
            )
            for replay in replays
        ]
    )


def _mean(values: list[float]) -> float:
    """Mean of the finite values, NaN without any."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


def _against(
    replays: list[Replay], serves: str, rival: str, settings: dict[str, int]
) -> dict[str, Any]:
    """Paired bootstrap on D2 of what serves against a rival, over all replays."""
    if not replays:
        return {}
    ours = np.concatenate([r.predicted.get(serves, r.predicted["prior"]) for r in replays])
    theirs = np.concatenate([replay.predicted[rival] for replay in replays])
    actual = np.concatenate([replay.actual for replay in replays])
    found = paired_bootstrap(actual, ours, theirs, metric="d2", seed=settings["seed"])
    return {
        "champion_d2_difference": found.difference,
        "champion_d2_difference_low": found.low,
        "champion_d2_difference_high": found.high,
    }
