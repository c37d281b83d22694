"""What a user would pick instead: the rivals that the champion is measured against.

1. Naive: customers go on as they did.
2. A purchase model times Gamma-Gamma: the usual answer of the marketing literature.
3. XGBoost on recency, frequency and revenue: the usual answer of a data science project.

The first and Pareto/NBD are frozen with the champion, so that its lead over them can be watched.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray

from ml.model.forecast.blend import (
    BaseForecasts,
    base_forecasts,
    naive_spending,
    smallest_prediction,
)
from ml.model.forecast.purchase_forecast import PurchaseForecast
from ml.model.forecast.recipe import ModelInput, Recipe
from ml.model.forecast.trees import THREADS
from ml.model.forecast.windows import WindowContext

FloatArray = NDArray[np.float64]

RFM = ("recency_days", "order_count", "net_revenue")


class Rival(Protocol):
    """Anything that predicts net revenue per customer from the same features."""

    def predict(self, features: pd.DataFrame, context: WindowContext) -> FloatArray:
        """Net revenue of the label window, money, shape (customers,)."""
        ...


@dataclass(frozen=True)
class Naive:
    """Net revenue of the history window scaled to the label window, season ignored."""

    pred_days: float
    smallest: float

    def predict(self, features: pd.DataFrame, context: WindowContext) -> FloatArray:
        """Money above 0, shape (customers,)."""
        return np.maximum(naive_spending(features, context, self.pred_days), self.smallest)


@dataclass(frozen=True)
class BuyTillYouDie:
    """A purchase model times Gamma-Gamma times the net share, season ignored."""

    forecast: PurchaseForecast
    model: Literal["bg_nbd", "mbg_nbd", "pareto_nbd"]
    smallest: float

    def predict(self, features: pd.DataFrame, context: WindowContext) -> FloatArray:
        """Money above 0, shape (customers,)."""
        return self.of_base(base_forecasts(self.forecast, features, context))

    def of_base(self, base: BaseForecasts) -> FloatArray:
        """The same from base forecasts by its own `forecast`."""
        # base forecasts are of a usual window; a rival knows no season
        purchases = getattr(base.purchases, self.model) * self.forecast.history_season
        return np.maximum(purchases * base.day_value, self.smallest)


@dataclass(frozen=True)
class RfmTrees:
    """XGBRegressor defaults on recency, frequency and revenue of one matured cutoff."""

    booster: xgb.Booster

    def predict(self, features: pd.DataFrame, context: WindowContext) -> FloatArray:
        """Money, may be negative, shape (customers,)."""
        matrix = features[list(RFM)].to_numpy(np.float32)
        return self.booster.predict(xgb.DMatrix(matrix, nthread=THREADS)).astype(float)


@dataclass(frozen=True)
class Rivals:
    """The rivals that are frozen with a champion."""

    naive: Naive
    pareto_nbd: BuyTillYouDie

    def predict(self, features: pd.DataFrame, context: WindowContext) -> dict[str, FloatArray]:
        """Forecasts by name, money of the label window, each (customers,)."""
        return {
            "naive": self.naive.predict(features, context),
            "pareto_nbd": self.pareto_nbd.predict(features, context),
        }

    def predict_from(self, model_input: ModelInput) -> dict[str, FloatArray]:
        """The same from the model input of the recipe they were frozen with: nothing twice."""
        return {
            "naive": self.naive.predict(model_input.features, model_input.context),
            "pareto_nbd": self.pareto_nbd.of_base(model_input.base),
        }


def fit_rivals(recipe: Recipe, now: pd.DataFrame) -> Rivals:
    """The rivals frozen at the recipe's cutoff; now: features of its customers."""
    context = recipe.windows.context(now["cutoff"])
    return Rivals(
        naive=fit_naive(now, context, recipe.forecast.pred_days),
        pareto_nbd=fit_buy_till_you_die(recipe.forecast, "pareto_nbd", now, context),
    )


def fit_naive(features: pd.DataFrame, context: WindowContext, pred_days: float) -> Naive:
    """The naive forecast; its smallest prediction is from the customers of one cutoff."""
    money = naive_spending(features, context, pred_days)
    return Naive(pred_days=pred_days, smallest=smallest_prediction(money))


def fit_buy_till_you_die(
    forecast: PurchaseForecast,
    model: Literal["bg_nbd", "mbg_nbd", "pareto_nbd"],
    features: pd.DataFrame,
    context: WindowContext,
) -> BuyTillYouDie:
    """A purchase model of `forecast`; its smallest prediction is from customers of one cutoff."""
    unbounded = BuyTillYouDie(forecast=forecast, model=model, smallest=0.0)
    smallest = smallest_prediction(unbounded.predict(features, context))
    return BuyTillYouDie(forecast=forecast, model=model, smallest=smallest)


def fit_rfm_trees(features: pd.DataFrame, actual: FloatArray, *, seed: int) -> RfmTrees:
    """The usual project: squared error, default settings, the newest matured cutoff."""
    settings = {"objective": "reg:squarederror", "nthread": THREADS, "seed": seed, "verbosity": 0}
    data = xgb.DMatrix(features[list(RFM)].to_numpy(np.float32), label=actual, nthread=THREADS)
    return RfmTrees(xgb.train(settings, data, 100))
