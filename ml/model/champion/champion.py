"""The champion: the recipe, the gate's verdict on it, its intervals and its out-of-time record.

1. Fit the recipe on what was known at the cutoff.
2. Replay the training at earlier cutoffs, and predict held-out customers by trees of the others.
3. The gate weighs the forecasts by the replays.
4. Intervals come from the held-out predictions of what serves.
5. All of it is frozen: a champion scores any later cutoff without the data it was trained on.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.model.champion.card_entries import card_entries
from ml.model.champion.gate import (
    BLEND,
    TREES,
    Evidence,
    GateResult,
    weigh,
)
from ml.model.champion.replays import Replay, replay_trainings
from ml.model.champion.rivals import Rivals, fit_rivals
from ml.model.forecast.drivers import strongest_drivers
from ml.model.forecast.features import customer_hash
from ml.model.forecast.intervals import Intervals, fit_intervals
from ml.model.forecast.purchase_forecast import PurchaseForecasts, probability_by_cutoff
from ml.model.forecast.recipe import (
    ModelInput,
    Recipe,
    Spending,
    TrainingRows,
    fit_recipe,
)
from ml.model.forecast.trees import LEAST_CUTOFFS, fit_trees

FloatArray = NDArray[np.float64]

PREDICTION_COLUMNS = (
    "predicted_clv",
    "predicted_clv_low",
    "predicted_clv_high",
    "probability_of_purchase",
    "predicted_clv_variance",
)
# Held-out groups of customers for the intervals.
CUSTOMER_FOLDS = 2


class NothingMaturedError(ValueError):
    """No label window has matured by the cutoff: there is nothing to learn from."""


@dataclass(frozen=True)
class Champion:
    """Everything needed to score, explain and watch; loadable without the training data.

    card_entries: what the card says of the training, see card_entries.py.
    """

    recipe: Recipe
    rivals: Rivals
    gate: GateResult
    intervals: Intervals
    cutoff: str
    card_entries: dict[str, Any]

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """PREDICTION_COLUMNS in row order: money with an 80 % interval, a probability, a variance.

        features: rows of customer_features(). Predictions are above 0, no interval is below 0.
        """
        if features.empty:
            return pd.DataFrame({name: pd.Series(dtype=float) for name in PREDICTION_COLUMNS})
        return self.predict_from(self.model_input(features))

    def model_input(self, features: pd.DataFrame) -> ModelInput:
        """What predictions, rivals and drivers of at least one customer start from."""
        return self.recipe.model_input(features)

    def predict_from(self, model_input: ModelInput) -> pd.DataFrame:
        """PREDICTION_COLUMNS of a model input, in row order."""
        spending = self.recipe.spending(model_input)
        money = self._served(model_input, spending)
        # season and total move the money, not the kind of customer that chooses the interval
        typical = money * (spending.typical / spending.trees)
        probability = np.clip(self._probability(model_input, spending), 0, 1)
        low, high = self.intervals.bounds(money, typical, probability)
        variance = self.intervals.variance(money, typical)
        columns = (money, low, high, probability, variance)
        return pd.DataFrame(
            dict(zip(PREDICTION_COLUMNS, columns, strict=True)), index=model_input.features.index
        )

    def rival_forecasts(self, model_input: ModelInput) -> pd.DataFrame:
        """What naive and Pareto/NBD, frozen with the champion, predict: naive, pareto_nbd."""
        return pd.DataFrame(self.rivals.predict_from(model_input), index=model_input.features.index)

    def drivers(self, model_input: ModelInput, top: int = 3) -> pd.DataFrame:
        """The `top` strongest drivers per customer; columns as in drivers.COLUMNS."""
        return strongest_drivers(
            self.recipe,
            model_input,
            before_trees=self._usual_before_trees(model_input),
            tree_weight=self.gate.weight(TREES),
            top=top,
        )

    def _usual_before_trees(self, model_input: ModelInput) -> FloatArray:
        """What serves with the blend in place of the trees, money of a usual window."""
        if not self.gate.weights:  # a model of an earlier version
            return model_input.tree_inputs.blend
        forecasts = self.recipe.simple(model_input) | {BLEND: self.recipe.blended(model_input)}
        return self.gate.served(forecasts) / model_input.context.label_season

    def _probability(self, model_input: ModelInput, spending: Spending) -> FloatArray:
        """Probability of a purchase: that of trees and of Pareto/NBD in the weights of the gate."""
        if self.recipe.trees is None or not self.gate.weights:
            return spending.probability
        textbook = self.recipe.forecast.probability_of_purchase(model_input.features)
        return self.gate.probability(spending.probability, textbook)

    def _served(self, model_input: ModelInput, spending: Spending) -> FloatArray:
        """The forecasts in the weights of the gate."""
        if self.gate.weights:
            simple = self.recipe.simple(model_input)
        else:  # a model of an earlier version: what served, served alone
            simple = self.rivals.predict_from(model_input)
        return self.gate.served(simple | {BLEND: spending.blend, TREES: spending.trees})


def fit_champion(
    examples: pd.DataFrame,
    monthly_revenue: pd.DataFrame,
    *,
    cutoff: date,
    history_months: int,
    pred_months: int,
    seed: int,
    max_examples: int,
    value_tiers: tuple[float, ...],
    models: PurchaseForecasts | None = None,
) -> Champion:
    """Fit on what was known at `cutoff`, judge by replays at earlier cutoffs, freeze.

    examples: customer_features() of the windows of training_windows() with months_back,
    observed_months, actual_clv and actual_order_count (NaN where the label window ends after the
    cutoff). monthly_revenue: month, day_count, net_revenue of the log up to the cutoff.
    value_tiers: growing per cents by which the card tells customers apart; they change no forecast.
    models: purchase models that other trainings on the same log have fitted already.
    The same frames and seed give the same champion to the bit, whatever the order of the rows.
    Errors: ValueError if nobody bought or columns are missing, NothingMaturedError (a ValueError)
    if no label window has matured.
    """
    day = pd.Timestamp(cutoff)
    examples = _of_windows(examples, history_months, pred_months)
    models = models or PurchaseForecasts()
    recipe, rows = fit_recipe(
        examples, monthly_revenue, cutoff=day, seed=seed, max_examples=max_examples, models=models
    )
    _check_matured(rows, day, pred_months)
    replays = replay_trainings(
        examples,
        monthly_revenue,
        pred_months=pred_months,
        seed=seed,
        max_examples=max_examples,
        models=models,
    )
    rivals = fit_rivals(recipe, examples[examples["months_back"] == 0])
    held_out = _held_out(rows, recipe.blend.smallest, models, seed)
    gate = _judge(recipe, replays, seed)
    return Champion(
        recipe=recipe,
        rivals=rivals,
        gate=gate,
        intervals=fit_intervals(
            rows.actual,
            gate.served(held_out.forecasts),
            gate.probability(held_out.learned, held_out.textbook),
            rows.bought,
            total_sd=recipe.total_correction.sd,
        ),
        cutoff=day.date().isoformat(),
        card_entries=card_entries(
            recipe, replays, gate, seed=seed, max_examples=max_examples, value_tiers=value_tiers
        ),
    )


def _check_matured(rows: TrainingRows, day: pd.Timestamp, pred_months: int) -> None:
    """Raise NothingMaturedError if there is nothing to learn from."""
    if rows.examples.empty:
        raise NothingMaturedError(f"no window of {pred_months} months has matured by {day.date()}")


def _of_windows(examples: pd.DataFrame, history_months: int, pred_months: int) -> pd.DataFrame:
    """The rows sorted by cutoff and customer. Errors: ValueError for other windows than asked."""
    windows = set(zip(examples["history_months"], examples["pred_months"], strict=True))
    if windows - {(history_months, pred_months)}:
        raise ValueError(
            f"examples hold windows of {sorted(windows)} months, asked for "
            f"({history_months}, {pred_months}): build them with the same config"
        )
    frame = examples.assign(cutoff=pd.to_datetime(examples["cutoff"]))
    return frame.sort_values(["cutoff", "customer_id"], ignore_index=True)


@dataclass(frozen=True)
class HeldOut:
    """What is said of training rows by what had not seen the customer, each (rows,).

    forecasts: season-free money by name. learned, textbook: probability of a purchase, by trees if
    there are some, and by Pareto/NBD.
    """

    forecasts: dict[str, FloatArray]
    learned: FloatArray
    textbook: FloatArray


def _held_out(rows: TrainingRows, smallest: float, models: PurchaseForecasts, seed: int) -> HeldOut:
    """Every forecast of the training rows, at least `smallest`; trees if they can be fitted.

    Only trees could have learned a customer by heart; the others have a handful of numbers.
    """
    forecasts = rows.base.simple(smallest) | {BLEND: rows.tree_inputs.blend}
    textbook = probability_by_cutoff(models, rows.examples)
    if not rows.can_have_trees:
        return HeldOut(forecasts=forecasts, learned=textbook, textbook=textbook)
    money, learned = _by_trees_of_others(rows, seed)
    return HeldOut(forecasts=forecasts | {TREES: money}, learned=learned, textbook=textbook)


def _by_trees_of_others(rows: TrainingRows, seed: int) -> tuple[FloatArray, FloatArray]:
    """Season-free money and probability by trees that have not seen the customer, (rows,).

    Two groups of customers by a hash of their id; each is predicted by trees of the other. A group
    in which nobody spent teaches no trees: the other one keeps the blend.
    """
    group = (customer_hash(rows.examples) * 2**20).astype(int) % CUSTOMER_FOLDS
    money, probability = rows.tree_inputs.blend.copy(), rows.tree_inputs.probability.copy()
    spending = np.maximum(rows.actual, 0)
    for number in range(CUSTOMER_FOLDS):
        seen, unseen = group != number, group == number
        if not (unseen.any() and (spending[seen] > 0).any()):
            continue
        inputs = rows.tree_inputs.of_rows(seen)
        trees = fit_trees(inputs, spending[seen], rows.bought[seen], seed=seed)
        money[unseen], probability[unseen] = trees.predict(rows.tree_inputs.of_rows(unseen))
    return money, probability


def _judge(recipe: Recipe, replays: list[Replay], seed: int) -> GateResult:
    """The gate on trainings that were replayed earlier."""
    refusal, cutoffs = "", len(recipe.tree_cutoffs)
    if recipe.trees is None and cutoffs < LEAST_CUTOFFS:
        refusal = (
            f"{cutoffs} training cutoff{'s' if cutoffs > 1 else ''}, trees need {LEAST_CUTOFFS}"
        )
    elif recipe.trees is None:
        refusal = f"nobody spent anything in {cutoffs} training windows"
    past = [
        Evidence(actual=replay.actual, forecasts=replay.forecasts, source=replay.cutoff)
        for replay in replays
    ]
    return weigh(past, refusal=refusal, seed=seed)
