"""Why a customer is predicted what is predicted: the strongest drivers in words and numbers.

1. A prediction is a product, so every driver is a factor against the typical customer of training.
2. The first factor is how many purchase days are expected, the second what such a day is worth.
3. The third is what the blend makes of the two.
4. Each feature has a factor as well: by how much it moved the trees.
5. The drivers are those whose factors are furthest from 1, up or down.

A tree moves its answer at every split on the way to a leaf. The move belongs to the feature that
was split on (Saabas 2014, Interpreting random forests). On the log scale the moves add up, in the
shares in which the boosters enter the prediction. At depth 2 and 3 they are close to SHAP values
and an order of magnitude faster.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray
from scipy.special import expit, logit

from ml.model.forecast.features import FEATURES
from ml.model.forecast.recipe import ModelInput, Recipe
from ml.model.forecast.trees import FORECAST_RATIOS, THREADS, TREE_SHARE, TreeInputs, Trees

FloatArray = NDArray[np.float64]

COLUMNS = ("driver_rank", "driver_name", "words", "value", "factor")
BLEND_WORDS = {
    "expected_purchase_days": "purchase days expected in the window",
    "expected_day_revenue": "revenue expected of a purchase day",
    "past_against_model": "past revenue against the purchase model",
}
WORDS = {feature.name: feature.words for feature in FEATURES} | FORECAST_RATIOS | BLEND_WORDS


@dataclass(frozen=True)
class Effects:
    """Log factors (rows, drivers), the values behind them (rows, drivers), the drivers' names."""

    log_factors: FloatArray
    values: FloatArray
    names: tuple[str, ...]


def strongest_drivers(
    recipe: Recipe,
    model_input: ModelInput,
    *,
    before_trees: FloatArray,
    tree_weight: float,
    top: int,
) -> pd.DataFrame:
    """COLUMNS, `top` rows a customer in the order of the rows; driver_rank 1 is the strongest.

    before_trees: what serves with the blend in place of the trees, money of a usual window,
    (customers,).
    tree_weight: how much the trees count.
    value: in the driver's own unit, NaN if the customer has none. factor: what it multiplies the
    prediction by against the typical customer, above 0. words: what the driver is called.
    """
    effects = _simple_effects(recipe, model_input, before_trees)
    if tree_weight > 0 and recipe.trees is not None:
        trees = tree_effects(recipe.trees, model_input.tree_inputs)
        effects = _joined(effects, _weighted(trees, tree_weight))
    return _table(effects, _strongest(effects.log_factors, top))


def _strongest(log_factors: FloatArray, top: int) -> NDArray[np.intp]:
    """Columns of the largest absolute log factors, strongest first, (rows, top)."""
    size = -np.abs(log_factors)
    count = min(top, size.shape[1])
    largest = np.argpartition(size, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(size, largest, 1), axis=1, kind="stable")
    return np.take_along_axis(largest, order, 1)


def _weighted(effects: Effects, weight: float) -> Effects:
    """The effects of forecasts that count only in part."""
    return replace(effects, log_factors=weight * effects.log_factors)


def _simple_effects(recipe: Recipe, model_input: ModelInput, usual: FloatArray) -> Effects:
    """A forecast as purchases x value x what it makes of them, each against the typical one.

    usual: money of a usual window, (rows,).
    """
    value = model_input.base.day_value
    smallest = recipe.blend.smallest / recipe.typical_day_revenue
    purchases = np.maximum(model_input.base.purchases.pareto_nbd, smallest)
    log_purchases = np.log(purchases / recipe.typical_purchases)
    log_value = np.log(value / recipe.typical_day_revenue)
    typical = recipe.typical_purchases * recipe.typical_day_revenue
    rest = np.log(usual / typical) - log_purchases - log_value
    factors = np.column_stack([log_purchases, log_value, rest])
    values = np.column_stack([purchases, value, np.exp(rest)])
    return Effects(log_factors=factors, values=values, names=tuple(BLEND_WORDS))


def tree_effects(trees: Trees, inputs: TreeInputs) -> Effects:
    """Log factors of every feature through the three boosters."""
    data = xgb.DMatrix(inputs.matrix, nthread=THREADS)
    log_blend = np.log(inputs.blend / trees.scale)
    spend = _contributions(trees.spend, data, log_blend)
    start = log_blend + np.log(trees.buyer_share) - np.log(inputs.probability)
    value = _contributions(trees.value, data, start)
    odds = _contributions(trees.purchase, data, logit(inputs.probability))
    before = np.log(inputs.probability)
    # features move the log odds, the prediction holds the probability: its log moves less, so every
    # feature's share of the move is shrunk by the same slope
    margin = logit(inputs.probability) + odds.sum(axis=1)
    moved = np.log(expit(margin)) - before
    total = odds.sum(axis=1)
    slope = np.divide(moved, total, out=np.ones_like(total), where=np.abs(total) > 1e-9)
    factors = TREE_SHARE * (spend + value + odds * slope[:, None])
    return Effects(log_factors=factors, values=inputs.matrix.astype(float), names=inputs.names)


def _contributions(booster: xgb.Booster, data: xgb.DMatrix, offset: FloatArray) -> FloatArray:
    """Path contributions without the bias, which is the offset, (rows, features)."""
    data.set_base_margin(offset)
    return booster.predict(data, pred_contribs=True, approx_contribs=True)[:, :-1].astype(float)


def _joined(first: Effects, second: Effects) -> Effects:
    """Both sets of drivers side by side."""
    return Effects(
        log_factors=np.hstack([first.log_factors, second.log_factors]),
        values=np.hstack([first.values, second.values]),
        names=(*first.names, *second.names),
    )


def _table(effects: Effects, chosen: NDArray[np.intp]) -> pd.DataFrame:
    """COLUMNS in the order of the rows, then of the rank."""
    top = chosen.shape[1]
    names = np.asarray(effects.names, object)
    words = np.asarray([WORDS[name] for name in effects.names], object)
    return pd.DataFrame(
        {
            "driver_rank": np.tile(np.arange(1, top + 1), len(chosen)),
            "driver_name": names[chosen.ravel()],
            "words": words[chosen.ravel()],
            "value": np.take_along_axis(effects.values, chosen, 1).ravel(),
            "factor": np.exp(np.take_along_axis(effects.log_factors, chosen, 1)).ravel(),
        }
    )
