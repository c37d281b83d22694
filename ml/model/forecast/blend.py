"""The blend: a non-negative mix of five simple forecasts that every customer starts from.

1. Naive: who brought 300 in nine months brings 200 in six.
2. Fading: the same, but older purchases count less; after HALF_LIFE_DAYS they count half.
3. Three purchase models (BG/NBD, MBG/NBD, Pareto/NBD): purchase days expected of the customer times
   what a day is worth (Gamma-Gamma). They know that a long pause may mean that somebody has left.
4. Each is wrong in its own way, so a mix is better than the best of them.
5. Weights are found on past windows, and none is negative: a forecast can be left out, not undone.

    blend = w1 naive + w2 bg_nbd + w3 mbg_nbd + w4 pareto_nbd + w5 fading,   all w >= 0

by least squares in which each customer is divided by guess^0.75. Spending scatters more where more
is expected: its variance grows with mean^1.5, see measures/tweedie.py. Without the division the few
largest customers would choose the weights alone.

Time is in days, money in the currency of the log and of a usual window: season is taken out.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

from ml.model.forecast.purchase_forecast import (
    DAYS_A_MONTH,
    ExpectedPurchases,
    PurchaseForecast,
    PurchaseForecasts,
)
from ml.model.forecast.windows import WindowContext, Windows

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

BASE_FORECASTS = ("naive", "bg_nbd", "mbg_nbd", "pareto_nbd", "fading")
# Nobody is worth less than this share of the mean: a prediction of nothing is always too sure.
SMALLEST_SHARE = 0.01
# Where nobody is expected to bring anything, a prediction is still above 0: logarithms are taken.
SMALLEST_MONEY = 1e-6
# Weights of the mix: the spread of spending grows with its mean to the power 2 x 0.75.
SPREAD_POWER = 0.75
HALF_LIFE_DAYS = 270


def naive_spending(features: pd.DataFrame, context: WindowContext, pred_days: float) -> FloatArray:
    """Net revenue of the history window scaled to the label window, at least 0, (customers,)."""
    days = np.maximum(context.observed_months, 1) * DAYS_A_MONTH
    return np.maximum(features["net_revenue"].to_numpy(float), 0) / days * pred_days


def fading_spending(
    features: pd.DataFrame, context: WindowContext, pred_days: float, half_life: int
) -> FloatArray:
    """Exponentially weighted net revenue a day, scaled to the label window, (customers,).

    half_life: 30, 90 or 270 days, as the features have them. Divided by the integral of the weights
    over the observed days, so that steady spending gives the same as naive_spending().
    """
    days = np.maximum(context.observed_months, 1) * DAYS_A_MONTH
    weight = half_life / np.log(2) * (1 - 0.5 ** (days / half_life))
    revenue = features[f"net_revenue_half_life_{half_life}_days"].to_numpy(float)
    return np.maximum(revenue, 0) / weight * pred_days


@dataclass(frozen=True)
class BaseForecasts:
    """What the blend mixes: money of a usual window by each of BASE_FORECASTS, (customers,).

    purchases, day_value: what the purchase models' money is made of; day_value is money.
    """

    naive: FloatArray
    bg_nbd: FloatArray
    mbg_nbd: FloatArray
    pareto_nbd: FloatArray
    fading: FloatArray
    purchases: ExpectedPurchases
    day_value: FloatArray

    def stacked(self) -> FloatArray:
        """The money in columns, (customers, 5), in the order of BASE_FORECASTS."""
        return np.column_stack([getattr(self, name) for name in BASE_FORECASTS])

    def simple(self, smallest: float) -> dict[str, FloatArray]:
        """The forecasts that mix nothing and learn from no label, at least `smallest`, by name."""
        return {
            "naive": np.maximum(self.naive, smallest),
            "pareto_nbd": np.maximum(self.pareto_nbd, smallest),
        }

    def of_rows(self, chosen: BoolArray) -> "BaseForecasts":
        """The forecasts of some rows; chosen: (customers,)."""
        purchases = ExpectedPurchases(
            bg_nbd=self.purchases.bg_nbd[chosen],
            mbg_nbd=self.purchases.mbg_nbd[chosen],
            pareto_nbd=self.purchases.pareto_nbd[chosen],
        )
        money = {name: getattr(self, name)[chosen] for name in BASE_FORECASTS}
        return BaseForecasts(**money, purchases=purchases, day_value=self.day_value[chosen])


def base_forecasts(
    forecast: PurchaseForecast, features: pd.DataFrame, context: WindowContext
) -> BaseForecasts:
    """Every base forecast for every row, season taken out."""
    purchases = forecast.purchases(features)
    day_value = forecast.day_value(features)
    naive = naive_spending(features, context, forecast.pred_days)
    return BaseForecasts(
        naive=naive / context.history_season,
        bg_nbd=purchases.bg_nbd * day_value,
        mbg_nbd=purchases.mbg_nbd * day_value,
        pareto_nbd=purchases.pareto_nbd * day_value,
        fading=fading_spending(features, context, forecast.pred_days, HALF_LIFE_DAYS),
        purchases=purchases,
        day_value=day_value,
    )


def joined(parts: list[BaseForecasts]) -> BaseForecasts:
    """The forecasts of several groups of rows, one after the other."""

    def column(name: str) -> FloatArray:
        return np.concatenate([getattr(part, name) for part in parts])

    purchases = {
        name: np.concatenate([getattr(part.purchases, name) for part in parts])
        for name in ("bg_nbd", "mbg_nbd", "pareto_nbd")
    }
    return BaseForecasts(
        **{name: column(name) for name in BASE_FORECASTS},
        purchases=ExpectedPurchases(**purchases),
        day_value=column("day_value"),
    )


def base_forecasts_by_cutoff(
    models: PurchaseForecasts, examples: pd.DataFrame, windows: Windows
) -> BaseForecasts:
    """Base forecasts of every row by the purchase models of its own cutoff, season taken out.

    examples: sorted by cutoff. A forecast of a past cutoff must not know what came after it:
    models of a later day have seen the label window.
    """
    parts: list[BaseForecasts] = []
    for _, rows in examples.groupby("cutoff", sort=False):
        context = windows.context(rows["cutoff"])
        forecast = models.of(rows, history_season=float(context.history_season[0]))
        parts.append(base_forecasts(forecast, rows, context))
    return joined(parts)


@dataclass(frozen=True)
class Blend:
    """Weight of each of BASE_FORECASTS, and the smallest prediction (money)."""

    weights: dict[str, float]
    smallest: float

    def predict(self, base: BaseForecasts) -> FloatArray:
        """Expected net revenue of a usual window, shape (customers,), above 0."""
        weights = np.array([self.weights[name] for name in BASE_FORECASTS])
        return np.maximum(base.stacked() @ weights, self.smallest)


def smallest_prediction(money: FloatArray) -> float:
    """The smallest prediction allowed: a share of the mean of some predictions, above 0 always.

    >>> smallest_prediction(np.array([0.0, 100.0]))
    0.5
    """
    mean = float(money.mean())
    return SMALLEST_SHARE * mean if mean > 0 else SMALLEST_MONEY


def fit_blend(base: BaseForecasts, spending: FloatArray) -> Blend:
    """The mix that fits season-free spending (money) of shape (rows,) best.

    Without spending, or if nobody spent, Pareto/NBD alone.
    """
    pareto_nbd_alone = np.array([float(name == "pareto_nbd") for name in BASE_FORECASTS])
    if not len(spending) or spending.max() <= 0:
        money = base.pareto_nbd
        smallest = smallest_prediction(money) if len(money) else SMALLEST_MONEY
        return Blend(weights=_by_name(pareto_nbd_alone), smallest=smallest)
    money = base.stacked()
    guess = money.mean(axis=1)
    closeness = np.maximum(guess, smallest_prediction(guess)) ** -SPREAD_POWER
    weights, _ = nnls(money * closeness[:, None], spending * closeness)
    if not weights.any():
        weights = pareto_nbd_alone
    return Blend(weights=_by_name(weights), smallest=smallest_prediction(money @ weights))


def _by_name(weights: FloatArray) -> dict[str, float]:
    """Weights in the order of BASE_FORECASTS, by name."""
    return dict(zip(BASE_FORECASTS, weights.tolist(), strict=True))
