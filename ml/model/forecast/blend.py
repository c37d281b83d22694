"""The prior: a non-negative mix of simple forecasts that every customer starts from.

Parts, all in money of a usual (season-free) window: what the customer brought so far scaled to the
window (naive), the same fading with age, and BG/NBD, MBG/NBD and Pareto/NBD times Gamma-Gamma
over all purchase days. Time is in days, money in the currency of the log.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

from ml.model.forecast.features import PURCHASE_HISTORY, PURCHASE_VALUE
from ml.model.forecast.gamma_gamma import GammaGamma
from ml.model.forecast.purchase_models import (
    BetaGeometric,
    ModifiedBetaGeometric,
    ParetoNBD,
)

FloatArray = NDArray[np.float64]

DAYS_A_MONTH = 30.4375
PARTS = ("naive", "bg_nbd", "mbg_nbd", "pareto_nbd", "fading")
NAIVE, BG, PARETO, FADING = 0, 1, 3, 4
# Nobody is worth less than this share of the mean: a prediction of nothing is always too sure.
FLOOR_SHARE = 0.01
# Weights of the mix: the spread of spending grows with its mean to the power 2 x 0.75.
SPREAD_POWER = 0.75
HALF_LIFE_DAYS = 270


@dataclass(frozen=True)
class Surroundings:
    """What a row's window is like, shape (customers,): months of history the log covers (at most
    the history window), mean season index over them, and over the label window."""

    observed_months: FloatArray
    history_season: FloatArray
    window_season: FloatArray


@dataclass(frozen=True)
class PurchaseForecast:
    """Buy-till-you-die models of one history, frozen; money per usual window.

    net_share: net over gross revenue. history_season: mean season index of the history they saw.
    """

    bg_nbd: BetaGeometric
    mbg_nbd: ModifiedBetaGeometric
    pareto_nbd: ParetoNBD
    value: GammaGamma
    net_share: float
    history_season: float
    pred_days: float

    @classmethod
    def fit(cls, features: pd.DataFrame, *, history_season: float, pred_months: int) -> Self:
        """Maximum likelihood over the customers of one cutoff.

        Errors: ValueError if every customer bought on the cutoff only.
        """
        history = [features[name].to_numpy(float) for name in PURCHASE_HISTORY]
        value = GammaGamma.fit(*(features[name].to_numpy(float) for name in PURCHASE_VALUE))
        share = features["net_revenue"].sum() / features["gross_revenue"].sum()
        return cls(
            BetaGeometric.fit(*history),
            ModifiedBetaGeometric.fit(*history),
            ParetoNBD.fit(*history),
            value,
            float(max(share, FLOOR_SHARE)),
            history_season,
            pred_months * DAYS_A_MONTH,
        )

    def purchases(self, features: pd.DataFrame) -> FloatArray:
        """Expected purchase days of the window by BG, MBG and Pareto/NBD: (customers, 3)."""
        history = [features[name].to_numpy(float) for name in PURCHASE_HISTORY]
        models = (self.bg_nbd, self.mbg_nbd, self.pareto_nbd)
        found = [model.expected_purchases(self.pred_days, *history) for model in models]
        return np.column_stack(found) / self.history_season

    def day_value(self, features: pd.DataFrame) -> FloatArray:
        """Expected net revenue of a purchase day, shape (customers,)."""
        spending = (features[name].to_numpy(float) for name in PURCHASE_VALUE)
        return self.value.expected_value(*spending) * self.net_share

    def probability_of_purchase(self, features: pd.DataFrame) -> FloatArray:
        """Pareto/NBD's probability of a purchase in the window, shape (customers,)."""
        history = [features[name].to_numpy(float) for name in PURCHASE_HISTORY]
        return self.pareto_nbd.probability_of_purchase(self.pred_days, *history)


def naive_spending(features: pd.DataFrame, around: Surroundings, pred_days: float) -> FloatArray:
    """Net revenue of the history window scaled to the label window, at least 0, (customers,)."""
    days = np.maximum(around.observed_months, 1) * DAYS_A_MONTH
    return np.maximum(features["net_revenue"].to_numpy(float), 0) / days * pred_days


def fading_spending(
    features: pd.DataFrame, around: Surroundings, pred_days: float, half_life: int
) -> FloatArray:
    """Exponentially weighted net revenue a day, scaled to the label window, (customers,)."""
    days = np.maximum(around.observed_months, 1) * DAYS_A_MONTH
    weight = half_life / np.log(2) * (1 - 0.5 ** (days / half_life))
    revenue = features[f"net_revenue_half_life_{half_life}_days"].to_numpy(float)
    return np.maximum(revenue, 0) / weight * pred_days


@dataclass(frozen=True)
class Parts:
    """The parts of the mix for some rows: money (customers, 5), and what the models make it of:
    purchases by BG, MBG and Pareto/NBD (customers, 3), money of a purchase day (customers,)."""

    money: FloatArray
    purchases: FloatArray
    day_value: FloatArray

    @property
    def pareto_purchases(self) -> FloatArray:
        """Purchase days expected by Pareto/NBD, shape (customers,)."""
        return self.purchases[:, -1]


def parts_of(forecast: PurchaseForecast, features: pd.DataFrame, around: Surroundings) -> Parts:
    """Every part for every row, in the order of PARTS, season taken out."""
    purchases = forecast.purchases(features)
    naive = naive_spending(features, around, forecast.pred_days) / around.history_season
    fading = fading_spending(features, around, forecast.pred_days, HALF_LIFE_DAYS)
    day_value = forecast.day_value(features)
    models = purchases * day_value[:, None]
    return Parts(np.column_stack([naive, models, fading]), purchases, day_value)


@dataclass(frozen=True)
class Prior:
    """Weights of PARTS and the smallest prediction (money)."""

    weights: tuple[float, ...]
    floor: float

    def predict(self, parts: Parts) -> FloatArray:
        """Expected net revenue of a usual window, shape (customers,), above 0."""
        return np.maximum(parts.money @ np.asarray(self.weights), self.floor)


def floor_of(money: FloatArray) -> float:
    """The smallest prediction, a share of the mean of some predictions; above 0 always."""
    return float(max(FLOOR_SHARE * money.mean(), 1e-6))


def fit_prior(parts: Parts, spending: FloatArray) -> Prior:
    """Mix that fits season-free spending of shape (rows,) best, weighted by prior^-0.75.

    Without rows, or if nobody spent, Pareto/NBD alone.
    """
    if not len(spending) or spending.max() <= 0:
        mean = parts.money[:, PARETO]
        return Prior((0.0, 0.0, 0.0, 1.0, 0.0), floor_of(mean) if len(mean) else 1e-6)
    guess = parts.money[:, : FADING + 1].mean(axis=1)
    weight = np.maximum(guess, floor_of(guess)) ** -SPREAD_POWER
    found, _ = nnls(parts.money * weight[:, None], spending * weight)
    if not found.any():
        found = np.eye(len(PARTS))[PARETO]
    return Prior(tuple(float(value) for value in found), floor_of(parts.money @ found))
