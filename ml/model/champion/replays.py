"""Replays: the whole training done again at earlier cutoffs, whose future is known today.

1. Accuracy on what was trained on means nothing.
2. So the training is repeated as it would have been half a year ago, on what was known then.
3. What its customers brought since then is compared with what it would have said.
4. Two cutoffs are replayed: the newest whose window has matured, and half a window before it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.model.champion.gate import BLEND, TREES
from ml.model.champion.rivals import fit_rivals
from ml.model.forecast.purchase_forecast import PurchaseForecasts
from ml.model.forecast.recipe import BLEND_CUTOFFS, LEAST_MONTHS, Recipe, fit_recipe

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Replay:
    """One training replayed at an earlier cutoff and what came of it.

    actual and forecasts (by name, money of its label window) and tenure_days, the customers' age,
    have shape (customers,).
    """

    cutoff: str
    actual: FloatArray
    forecasts: dict[str, FloatArray]
    tenure_days: FloatArray
    recipe: Recipe

    def forecast(self, name: str) -> FloatArray:
        """Money by the forecast `name`; by the blend if the replay had too few cutoffs for trees.

        Errors: KeyError for a forecast that no training has.
        """
        return self.forecasts[self.measured_on(name)]

    def measured_on(self, name: str) -> str:
        """The name of the forecast that forecast(name) gives."""
        return BLEND if name == TREES and self.recipe.trees is None else name

    def is_like(self, recipe: Recipe) -> bool:
        """Whether this training can speak for `recipe`.

        That is: the same decision on the season, trees if the other one has them, and a blend from
        as many cutoffs with as much history (the blend of a young log does not speak for it).
        """
        mine = self.recipe
        return (
            mine.windows.season.is_applied == recipe.windows.season.is_applied
            and (mine.trees is not None or recipe.trees is None)
            and len(mine.blend_cutoffs) >= min(BLEND_CUTOFFS, len(recipe.blend_cutoffs))
            and mine.horizon_months >= recipe.horizon_months
        )


def replay_trainings(
    examples: pd.DataFrame,
    monthly_revenue: pd.DataFrame,
    *,
    pred_months: int,
    seed: int,
    max_examples: int,
    models: PurchaseForecasts,
) -> list[Replay]:
    """Trainings at the newest matured cutoff and half a window before it, where rows allow.

    examples, monthly_revenue, models: as for fit_recipe(). Newest first.
    """
    back = examples.loc[examples["actual_clv"].notna(), "months_back"]
    wanted = (pred_months, pred_months + max(1, pred_months // 2))
    enough = np.minimum(examples["history_months"], LEAST_MONTHS) <= examples["observed_months"]
    usable = [months for months in wanted if ((back == months) & enough).any()]
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
    )
    spending = recipe.spending(recipe.model_input(then))
    forecasts = {BLEND: spending.blend}
    if recipe.trees is not None:
        forecasts[TREES] = spending.trees
    context = recipe.windows.context(then["cutoff"])
    return Replay(
        cutoff=day.date().isoformat(),
        actual=then["actual_clv"].to_numpy(float),
        forecasts=forecasts | fit_rivals(recipe, then).predict(then, context),
        tenure_days=then["tenure_days"].to_numpy(float),
        recipe=recipe,
    )
