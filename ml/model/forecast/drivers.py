"""Why a customer is predicted what is predicted: the strongest drivers in words and numbers.

A prediction is a product, so every driver is a factor against the typical customer of training:
how many purchases the purchase model expects, what a purchase day is worth, and by how much each
feature moved the trees (contributions along the path of every tree, on the log scale, in the shares
in which the boosters enter the prediction). Saabas 2014, Interpreting random forests; at depth 2
and 3 they are close to SHAP values and an order of magnitude faster.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray
from scipy.special import expit, logit

from ml.model.forecast.features import FEATURES
from ml.model.forecast.recipe import Reading, Recipe
from ml.model.forecast.trees import COMPARISONS, THREADS, TREE_SHARE, Inputs, Trees

FloatArray = NDArray[np.float64]

COLUMNS = ("driver_rank", "driver_name", "words", "value", "factor")
PRIOR_WORDS = {
    "expected_purchase_days": "purchase days expected in the window",
    "expected_day_revenue": "revenue expected of a purchase day",
    "past_against_model": "past revenue against the purchase model",
}
WORDS = {feature.name: feature.words for feature in FEATURES} | COMPARISONS | PRIOR_WORDS


@dataclass(frozen=True)
class Effects:
    """Log factors (rows, drivers), the values behind them (rows, drivers), the drivers' names."""

    log_factors: FloatArray
    values: FloatArray
    names: tuple[str, ...]


def strongest_drivers(
    recipe: Recipe, reading: Reading, *, top: int, uses_trees: bool
) -> pd.DataFrame:
    """COLUMNS, `top` rows a customer in the order of the rows; driver_rank 1 is the strongest.

    value: in the driver's own unit, NaN if the customer has none. factor: what it multiplies the
    prediction by against the typical customer, above 0. words: what the driver is called.
    """
    effects = _prior_effects(recipe, reading)
    if uses_trees and recipe.trees is not None:
        effects = _joined(effects, tree_effects(recipe.trees, reading.inputs))
    return _table(effects, _strongest(effects.log_factors, top))


def _strongest(log_factors: FloatArray, top: int) -> NDArray[np.intp]:
    """Columns of the largest absolute log factors, strongest first, (rows, top)."""
    size = -np.abs(log_factors)
    count = min(top, size.shape[1])
    found = np.argpartition(size, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(size, found, 1), axis=1, kind="stable")
    return np.take_along_axis(found, order, 1)


def _prior_effects(recipe: Recipe, reading: Reading) -> Effects:
    """The prior as purchases x value x what the mix makes of it, each against the typical one."""
    value = reading.parts.day_value
    smallest = recipe.prior.floor / recipe.typical_day_revenue
    purchases = np.maximum(reading.parts.pareto_purchases, smallest)
    log_purchases = np.log(purchases / recipe.typical_purchases)
    log_value = np.log(value / recipe.typical_day_revenue)
    typical = recipe.typical_purchases * recipe.typical_day_revenue
    rest = np.log(reading.inputs.prior / typical) - log_purchases - log_value
    factors = np.column_stack([log_purchases, log_value, rest])
    values = np.column_stack([purchases, value, np.exp(rest)])
    return Effects(factors, values, tuple(PRIOR_WORDS))


def tree_effects(trees: Trees, inputs: Inputs) -> Effects:
    """Log factors of every feature through the three boosters."""
    data = xgb.DMatrix(inputs.matrix, nthread=THREADS)
    log_prior = np.log(inputs.prior / trees.scale)
    spend = _contributions(trees.spend, data, log_prior)
    start = log_prior + np.log(trees.buyer_share) - np.log(inputs.probability)
    value = _contributions(trees.value, data, start)
    odds = _contributions(trees.purchase, data, logit(inputs.probability))
    before = np.log(inputs.probability)
    margin = logit(inputs.probability) + odds.sum(axis=1)
    moved = np.log(expit(margin)) - before
    total = odds.sum(axis=1)
    slope = np.divide(moved, total, out=np.ones_like(total), where=np.abs(total) > 1e-9)
    factors = TREE_SHARE * (spend + value + odds * slope[:, None])
    return Effects(factors, inputs.matrix.astype(float), inputs.names)


def _contributions(booster: xgb.Booster, data: xgb.DMatrix, offset: FloatArray) -> FloatArray:
    """Path contributions without the bias, which is the offset, (rows, features)."""
    data.set_base_margin(offset)
    return booster.predict(data, pred_contribs=True, approx_contribs=True)[:, :-1].astype(float)


def _joined(first: Effects, second: Effects) -> Effects:
    """Both sets of drivers side by side."""
    return Effects(
        np.hstack([first.log_factors, second.log_factors]),
        np.hstack([first.values, second.values]),
        (*first.names, *second.names),
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
