"""What a user would pick instead: the rivals that the champion is measured against."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray

from ml.model.forecast.blend import (
    Parts,
    PurchaseForecast,
    Surroundings,
    floor_of,
    naive_spending,
    parts_of,
)
from ml.model.forecast.trees import THREADS

FloatArray = NDArray[np.float64]

RFM = ("recency_days", "order_count", "net_revenue")


class Rival(Protocol):
    """Anything that predicts net revenue per customer from the same features."""

    def predict(self, features: pd.DataFrame, around: Surroundings) -> FloatArray:
        """Net revenue of the label window, money, shape (customers,)."""
        ...


@dataclass(frozen=True)
class Naive:
    """Net revenue of the history window scaled to the label window, season ignored."""

    pred_days: float
    floor: float

    def predict(self, features: pd.DataFrame, around: Surroundings) -> FloatArray:
        """Money above 0, shape (customers,)."""
        return np.maximum(naive_spending(features, around, self.pred_days), self.floor)


@dataclass(frozen=True)
class BuyTillYouDie:
    """A purchase model times Gamma-Gamma times the net share, season ignored.

    column: 0 for BG/NBD, 2 for Pareto/NBD.
    """

    forecast: PurchaseForecast
    column: int
    floor: float

    def predict(self, features: pd.DataFrame, around: Surroundings) -> FloatArray:
        """Money above 0, shape (customers,)."""
        return self.of_parts(parts_of(self.forecast, features, around))

    def of_parts(self, parts: Parts) -> FloatArray:
        """The same from parts of its own forecast."""
        purchases = parts.purchases[:, self.column] * self.forecast.history_season
        return np.maximum(purchases * parts.day_value, self.floor)


@dataclass(frozen=True)
class RfmTrees:
    """XGBRegressor defaults on recency, frequency and revenue of one matured cutoff."""

    booster: xgb.Booster

    def predict(self, features: pd.DataFrame, around: Surroundings) -> FloatArray:
        """Money, may be negative, shape (customers,)."""
        matrix = features[list(RFM)].to_numpy(np.float32)
        return self.booster.predict(xgb.DMatrix(matrix, nthread=THREADS)).astype(float)


def fit_naive(features: pd.DataFrame, around: Surroundings, pred_days: float) -> Naive:
    """The naive forecast with its floor from the customers of one cutoff."""
    return Naive(pred_days, floor_of(naive_spending(features, around, pred_days)))


def fit_purchase_rival(
    forecast: PurchaseForecast, features: pd.DataFrame, around: Surroundings, column: int
) -> BuyTillYouDie:
    """A purchase model of `forecast` with its floor from the customers of one cutoff."""
    free = BuyTillYouDie(forecast, column, 0.0)
    return BuyTillYouDie(forecast, column, floor_of(free.predict(features, around)))


def fit_rfm_trees(features: pd.DataFrame, actual: FloatArray, *, seed: int) -> RfmTrees:
    """The usual project: squared error, default settings, the newest matured cutoff."""
    settings = {"objective": "reg:squarederror", "nthread": THREADS, "seed": seed, "verbosity": 0}
    data = xgb.DMatrix(features[list(RFM)].to_numpy(np.float32), label=actual, nthread=THREADS)
    return RfmTrees(xgb.train(settings, data, 100))
