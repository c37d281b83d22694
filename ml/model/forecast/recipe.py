"""The recipe: how season, blend, correction of the total and trees come together.

1. A training does not learn from one cutoff but from up to twelve, a month apart: the customers of
   each, as they were known then, with what they brought afterwards.
2. Purchase models are fitted on the newest cutoff, without any label.
3. The season is divided out of labels and forecasts. The blend is fitted on what is left.
4. The total of the blend is pulled back towards that of Pareto/NBD, as far as the windows of the
   past disagree with each other.
5. Trees learn by which factor a customer departs from the blend.

    forecast = trees(features; blend) x season of the label window x correction of the total

Everything is fitted on what was known at one cutoff and then frozen. So the score of a customer at
a later cutoff depends on nobody else in the batch.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.model.forecast.blend import (
    BaseForecasts,
    Blend,
    base_forecasts,
    base_forecasts_by_cutoff,
    fit_blend,
)
from ml.model.forecast.features import ALL_COLUMNS, EXAMPLE_COLUMNS, customer_hash
from ml.model.forecast.purchase_forecast import PurchaseForecast, PurchaseForecasts
from ml.model.forecast.total import PastWindows, TotalCorrection, fit_total
from ml.model.forecast.trees import (
    FORECAST_RATIOS,
    LEAST_CUTOFFS,
    TreeInputs,
    Trees,
    feature_matrix,
    fit_trees,
    forecast_ratios,
    starting_probability,
)
from ml.model.forecast.windows import WindowContext, Windows, fit_windows

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MOST_CUTOFFS = 12
# A window with fewer months of history than this says little about a customer.
LEAST_MONTHS = 3
# Blend and total come from at least so many cutoffs, with the longest history that has them.
BLEND_CUTOFFS = 4
HORIZONS = (12, 9, 6, 3)


@dataclass(frozen=True)
class Spending:
    """Forecasts of some customers, money of their label window, each (customers,).

    typical: the forecast without season and correction, which chooses the interval. Without trees,
    `trees` repeats the blend.
    """

    blend: FloatArray
    trees: FloatArray
    typical: FloatArray
    probability: FloatArray


@dataclass(frozen=True)
class ModelInput:
    """Features of some customers, what their windows are like, and what the models make of them."""

    features: pd.DataFrame
    context: WindowContext
    base: BaseForecasts
    tree_inputs: TreeInputs


@dataclass(frozen=True)
class Recipe:
    """The fitted recipe of one cutoff; plain numbers, and boosters if the cutoffs allow trees.

    tree_cutoffs, blend_cutoffs: days, newest first. horizon_months: history that the log covers at
    every cutoff of the blend, 0 without one. typical_purchases, typical_day_revenue: means over the
    customers of the cutoff, of purchase days expected in a usual window and of the money expected
    of one.
    """

    windows: Windows
    forecast: PurchaseForecast
    blend: Blend
    total_correction: TotalCorrection
    trees: Trees | None
    tree_cutoffs: tuple[str, ...]
    blend_cutoffs: tuple[str, ...]
    horizon_months: int
    typical_purchases: float
    typical_day_revenue: float

    def model_input(self, features: pd.DataFrame) -> ModelInput:
        """What every forecast of some customers starts from, computed once."""
        context = self.windows.context(features["cutoff"])
        base = base_forecasts(self.forecast, features, context)
        inputs = _tree_inputs(features, context, base, self.blend)
        if self.trees is not None:
            inputs = inputs.with_columns(self.trees.names)
        return ModelInput(features=features, context=context, base=base, tree_inputs=inputs)

    def simple(self, model_input: ModelInput) -> dict[str, FloatArray]:
        """Naive and Pareto/NBD with the season, money above 0, each (customers,)."""
        season = model_input.context.label_season
        simple = model_input.base.simple(self.blend.smallest)
        return {name: money * season for name, money in simple.items()}

    def blended(self, model_input: ModelInput) -> FloatArray:
        """The blend with season and corrected total, (customers,); the trees are not asked."""
        return model_input.tree_inputs.blend * self._scale(model_input)

    def spending(self, model_input: ModelInput) -> Spending:
        """Forecasts of blend and trees with season and corrected total, in row order."""
        if self.trees is None:
            typical = model_input.tree_inputs.blend
            probability = self.forecast.probability_of_purchase(model_input.features)
        else:
            typical, probability = self.trees.predict(model_input.tree_inputs)
        return Spending(
            blend=self.blended(model_input),
            trees=typical * self._scale(model_input),
            typical=typical,
            probability=probability,
        )

    def _scale(self, model_input: ModelInput) -> FloatArray:
        """What makes money of a usual window that of the label window, (customers,)."""
        return model_input.context.label_season * self.total_correction.factor


@dataclass(frozen=True)
class TrainingRows:
    """Customers of past cutoffs with what they brought, season taken out.

    examples: features and EXAMPLE_COLUMNS, one row per customer and cutoff. actual: net revenue,
    money, (rows,). is_blend_row: whether the blend was fitted on the row, (rows,).
    """

    examples: pd.DataFrame
    base: BaseForecasts
    actual: FloatArray
    is_blend_row: BoolArray
    tree_inputs: TreeInputs

    @property
    def bought(self) -> BoolArray:
        """Whether the customer ordered in the label window."""
        return (self.examples["actual_order_count"] > 0).to_numpy()

    def past_windows(self, pred_months: int) -> PastWindows:
        """The rows as the total reads them."""
        return PastWindows(
            base=self.base,
            actual=self.actual,
            months_back=self.examples["months_back"].to_numpy(np.int64),
            pred_months=pred_months,
        )

    @property
    def can_have_trees(self) -> bool:
        """Whether enough cutoffs have matured and somebody spent in one of them."""
        return bool(self.examples["cutoff"].nunique() >= LEAST_CUTOFFS and (self.actual > 0).any())


def fit_recipe(
    examples: pd.DataFrame,
    monthly_revenue: pd.DataFrame,
    *,
    cutoff: pd.Timestamp,
    seed: int,
    max_examples: int,
    models: PurchaseForecasts | None = None,
    is_whole: bool = True,
) -> tuple[Recipe, TrainingRows]:
    """The recipe on what was known at `cutoff`; labels of unfinished windows must be NaN.

    examples: rows of customer_features() with EXAMPLE_COLUMNS, months_back 0 being the cutoff
    itself, sorted by cutoff. models: purchase models of their cutoffs, if there are some already.
    is_whole: whether those of the cutoff itself learn from all its customers.
    Without a matured window the blend is Pareto/NBD alone. Errors: ValueError for missing
    columns, no row at the cutoff, or customers who all bought first on the cutoff.
    """
    check_examples(examples, cutoff)
    now = examples[examples["months_back"] == 0]
    windows = fit_windows(examples, monthly_revenue, cutoff)
    models = models or PurchaseForecasts()
    context = windows.context(now["cutoff"])
    season = float(context.history_season[0])
    forecast = models.of(now, history_season=season, is_whole=is_whole)
    base_now = base_forecasts(forecast, now, context)
    matured = _matured(examples, max_examples)
    if matured.empty:
        blend, rows = _unlearned(windows, now, base_now, matured)
    else:
        blend, rows = _learned(windows, models, now, base_now, matured)
    chosen = rows.examples[rows.is_blend_row]
    recipe = Recipe(
        windows=windows,
        forecast=forecast,
        blend=blend,
        total_correction=fit_total(
            blend, base_now, context, rows.past_windows(windows.pred_months)
        ),
        trees=_fit_trees(rows, seed),
        tree_cutoffs=_days(rows.examples["cutoff"]),
        blend_cutoffs=_days(chosen["cutoff"]),
        horizon_months=0 if chosen.empty else int(chosen["observed_months"].min()),
        typical_purchases=float(base_now.purchases.pareto_nbd.mean()),
        typical_day_revenue=float(base_now.day_value.mean()),
    )
    return recipe, rows


def check_examples(examples: pd.DataFrame, cutoff: pd.Timestamp) -> None:
    """Raise ValueError for missing columns, or if nobody bought in the cutoff's history."""
    missing = sorted((ALL_COLUMNS | set(EXAMPLE_COLUMNS)) - set(examples.columns))
    if missing:
        raise ValueError(f"examples lack the columns {', '.join(missing)}: build them with dbt")
    if not (examples["months_back"] == 0).any():
        raise ValueError(
            f"no customer bought in the history window of {cutoff.date()}: choose another cutoff "
            "or a longer history_months"
        )


def _matured(examples: pd.DataFrame, max_examples: int) -> pd.DataFrame:
    """Rows of the newest matured windows with enough history, of at most max_examples rows.

    Too many rows lose whole customers, chosen by a hash of their id: a customer is in every cutoff
    or in none, and adding customers does not move the others.
    """
    enough = np.minimum(examples["history_months"], LEAST_MONTHS)
    usable = examples["actual_clv"].notna() & (examples["observed_months"] >= enough)
    rows = examples[usable & (examples["months_back"] >= examples["pred_months"])]
    newest = np.sort(rows["months_back"].unique())[:MOST_CUTOFFS]
    rows = rows[rows["months_back"].isin(newest)]
    if len(rows) > max_examples:
        rows = rows[customer_hash(rows) < max_examples / len(rows)]
    return rows.reset_index(drop=True)


def _learned(
    windows: Windows,
    models: PurchaseForecasts,
    now: pd.DataFrame,
    base_now: BaseForecasts,
    examples: pd.DataFrame,
) -> tuple[Blend, TrainingRows]:
    """The blend, and the training rows as the trees will read them."""
    context = windows.context(examples["cutoff"])
    base = base_forecasts_by_cutoff(models, examples, windows)
    actual = examples["actual_clv"].to_numpy(float) / context.label_season
    chosen = examples["months_back"].isin(_blend_cutoffs(examples)).to_numpy()
    blend = fit_blend(base.of_rows(chosen), np.maximum(actual[chosen], 0))
    inputs = _tree_inputs(examples, context, base, blend)
    newest = _tree_inputs(now, windows.context(now["cutoff"]), base_now, blend).matrix
    # what no customer of the cutoff has cannot be used on them: the log may be too young for it
    known: BoolArray = np.asarray(~np.isnan(newest).all(axis=0))
    names = tuple(name for name, keep in zip(inputs.names, known, strict=True) if keep)
    return blend, TrainingRows(
        examples=examples,
        base=base,
        actual=actual,
        is_blend_row=chosen,
        tree_inputs=inputs.with_columns(names),
    )


def _unlearned(
    windows: Windows, now: pd.DataFrame, base: BaseForecasts, examples: pd.DataFrame
) -> tuple[Blend, TrainingRows]:
    """Pareto/NBD alone: no label window has matured, `examples` are empty."""
    context = windows.context(now["cutoff"])
    blend = fit_blend(base, np.empty(0))
    nobody = np.zeros(len(now), bool)
    return blend, TrainingRows(
        examples=examples,
        base=base.of_rows(nobody),
        actual=np.empty(0),
        is_blend_row=np.empty(0, bool),
        tree_inputs=_tree_inputs(now, context, base, blend).of_rows(nobody),
    )


def _blend_cutoffs(rows: pd.DataFrame) -> list[int]:
    """months_back of the cutoffs with the longest history that at least BLEND_CUTOFFS share."""
    history = int(rows["history_months"].iloc[0])
    observed = rows.groupby("months_back")["observed_months"].first()
    for horizon in (history, *(months for months in HORIZONS if months < history)):
        enough = observed[observed >= horizon]
        if len(enough) >= BLEND_CUTOFFS:
            return enough.index.tolist()
    return observed.index.tolist()


def _fit_trees(rows: TrainingRows, seed: int) -> Trees | None:
    """Trees if the rows allow them."""
    if not rows.can_have_trees:
        return None
    return fit_trees(rows.tree_inputs, np.maximum(rows.actual, 0), rows.bought, seed=seed)


def _tree_inputs(
    features: pd.DataFrame, context: WindowContext, base: BaseForecasts, blend: Blend
) -> TreeInputs:
    """Features and offsets of every row, all columns."""
    history, pred = (int(features[name].iloc[0]) for name in ("history_months", "pred_months"))
    matrix, columns = feature_matrix(features, context, history)
    money = blend.predict(base)
    ratios = forecast_ratios(base, money, blend.smallest, features, context, pred)
    return TreeInputs(
        matrix=np.hstack([matrix, ratios.astype(np.float32)]),
        names=(*columns, *FORECAST_RATIOS),
        blend=money,
        probability=starting_probability(base, context),
    )


def _days(cutoffs: pd.Series) -> tuple[str, ...]:
    """Distinct days, newest first."""
    days = pd.to_datetime(cutoffs.drop_duplicates()).sort_values(ascending=False)
    return tuple(day.date().isoformat() for day in days)
