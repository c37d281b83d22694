"""Replays: the whole training done again at earlier cutoffs, whose future is known today.

1. Accuracy on what was trained on means nothing.
2. So the training is repeated as it would have been half a year ago, on what was known then.
3. What its customers brought since then is compared with what it would have said.
4. Up to REPLAYS cutoffs are replayed: the newest whose window has matured, and others before it,
   evenly spread over those whose outcome is known.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.model.champion.gate import BLEND, TREES, GateResult
from ml.model.champion.rivals import fit_rivals
from ml.model.forecast.purchase_forecast import PurchaseForecasts
from ml.model.forecast.recipe import LEAST_MONTHS, Recipe, fit_recipe

FloatArray = NDArray[np.float64]

REPLAYS = 4
# Rows that a replay learns from at most.
MOST_EXAMPLES = 50_000


@dataclass(frozen=True)
class Replay:
    """One training replayed at an earlier cutoff and what came of it.

    actual, forecasts (by name, money of its label window: what the gate weighs), rivals (the same
    without season: what a user would pick instead) and customer_age_days, since the first order in
    the whole log, have shape (customers,).
    """

    cutoff: str
    actual: FloatArray
    forecasts: dict[str, FloatArray]
    rivals: dict[str, FloatArray]
    customer_age_days: FloatArray
    recipe: Recipe

    def served(self, gate: GateResult) -> FloatArray:
        """Money by the forecasts in the gate's weights."""
        return gate.served(self.forecasts)

    def measured_on(self, name: str) -> str:
        """The name, or that of the blend if the replay had too few cutoffs for trees."""
        return BLEND if name == TREES and self.recipe.trees is None else name


def replay_trainings(
    examples: pd.DataFrame,
    monthly_revenue: pd.DataFrame,
    *,
    pred_months: int,
    seed: int,
    max_examples: int,
    models: PurchaseForecasts,
) -> list[Replay]:
    """Trainings at up to REPLAYS matured cutoffs, where rows allow.

    examples, monthly_revenue, models: as for fit_recipe(). Newest first.
    """
    enough = np.minimum(examples["history_months"], LEAST_MONTHS) <= examples["observed_months"]
    matured = examples["actual_clv"].notna() & (examples["months_back"] >= pred_months)
    back = np.unique(examples.loc[enough & matured, "months_back"])
    usable = back[:: max(1, -(-len(back) // REPLAYS))].tolist()
    max_examples = min(max_examples, MOST_EXAMPLES)
    return [
        _replay(
            examples, monthly_revenue, months, seed=seed, max_examples=max_examples, models=models
        )
        for months in usable
    ]


def rewind(examples: pd.DataFrame, months: int) -> pd.DataFrame:
    """The examples as they were `months` before: labels that had not matured then are NaN.

    >>> rows = pd.DataFrame(
    ...     {
    ...         "months_back": [0, 3, 6], "pred_months": 3,
    ...         "actual_clv": [np.nan, 20.0, 30.0], "actual_order_count": [np.nan, 2.0, 3.0],
    ...     }
    ... )
    >>> rewind(rows, 3)[["months_back", "actual_clv"]].to_numpy().tolist()
    [[0.0, nan], [3.0, 30.0]]
    """
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
    *,
    seed: int,
    max_examples: int,
    models: PurchaseForecasts,
) -> Replay:
    """The whole training `months` back and its forecasts of the window that followed."""
    then = examples[examples["months_back"] == months]
    day = pd.Timestamp(then["cutoff"].iloc[0])
    known_then = rewind(examples, months)
    recipe, _ = fit_recipe(
        known_then,
        monthly_revenue,
        cutoff=day,
        seed=seed,
        max_examples=max_examples,
        models=models,
        is_whole=False,
    )
    model_input = recipe.model_input(then)
    spending = recipe.spending(model_input)
    forecasts = recipe.simple(model_input) | {BLEND: spending.blend}
    if recipe.trees is not None:
        forecasts[TREES] = spending.trees
    return Replay(
        cutoff=day.date().isoformat(),
        actual=then["actual_clv"].to_numpy(float),
        forecasts=forecasts,
        rivals=fit_rivals(recipe, then).predict_from(model_input),
        customer_age_days=then["customer_age_days"].to_numpy(float),
        recipe=recipe,
    )
