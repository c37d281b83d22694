"""Purchases and what one is worth: the three purchase models and Gamma-Gamma of one cutoff.

1. A purchase model says how many purchase days to expect of a customer (BG/NBD, MBG/NBD,
   Pareto/NBD; see purchase_models.py).
2. Gamma-Gamma says what such a day is worth (gamma_gamma.py).
3. Both learn from the history alone. So they can be fitted at every past cutoff on what was known
   then, and what came afterwards shows how right they were.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.model.forecast.features import PURCHASE_HISTORY, PURCHASE_VALUE, customer_hash
from ml.model.forecast.gamma_gamma import GammaGamma
from ml.model.forecast.purchase_models import BetaGeometric, ModifiedBetaGeometric, ParetoNBD

FloatArray = NDArray[np.float64]

DAYS_A_MONTH = 30.4375
# Net over gross revenue is at least this.
SMALLEST_NET_SHARE = 0.01
# At an earlier cutoff the models learn from at most so many customers; more change little.
MOST_CUSTOMERS = 5_000


@dataclass(frozen=True)
class ExpectedPurchases:
    """Purchase days expected in a usual window by each purchase model, (customers,)."""

    bg_nbd: FloatArray
    mbg_nbd: FloatArray
    pareto_nbd: FloatArray


@dataclass(frozen=True)
class PurchaseForecast:
    """Purchase models and Gamma-Gamma of one history, frozen; money per usual window.

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
        spending = [features[name].to_numpy(float) for name in PURCHASE_VALUE]
        share = features["net_revenue"].sum() / features["gross_revenue"].sum()
        return cls(
            bg_nbd=BetaGeometric.fit(*history),
            mbg_nbd=ModifiedBetaGeometric.fit(*history),
            pareto_nbd=ParetoNBD.fit(*history),
            value=GammaGamma.fit(*spending),
            net_share=float(max(share, SMALLEST_NET_SHARE)),
            history_season=history_season,
            pred_days=pred_months * DAYS_A_MONTH,
        )

    def purchases(self, features: pd.DataFrame) -> ExpectedPurchases:
        """Expected purchase days of the window by each purchase model."""
        history = [features[name].to_numpy(float) for name in PURCHASE_HISTORY]
        bg_nbd, mbg_nbd, pareto_nbd = (
            model.expected_purchases(self.pred_days, *history) / self.history_season
            for model in (self.bg_nbd, self.mbg_nbd, self.pareto_nbd)
        )
        return ExpectedPurchases(bg_nbd=bg_nbd, mbg_nbd=mbg_nbd, pareto_nbd=pareto_nbd)

    def day_value(self, features: pd.DataFrame) -> FloatArray:
        """Expected net revenue of a purchase day, shape (customers,)."""
        spending = (features[name].to_numpy(float) for name in PURCHASE_VALUE)
        return self.value.expected_value(*spending) * self.net_share

    def probability_of_purchase(self, features: pd.DataFrame) -> FloatArray:
        """Pareto/NBD's probability of a purchase in the window, shape (customers,)."""
        history = [features[name].to_numpy(float) for name in PURCHASE_HISTORY]
        return self.pareto_nbd.probability_of_purchase(self.pred_days, *history)


class PurchaseForecasts:
    """Purchase models by history and cutoff, each fitted once, on the customers of its cutoff.

    Trainings share them: a cutoff that two trainings read has the same models in both.
    """

    def __init__(self) -> None:
        self._fitted: dict[tuple[int, pd.Timestamp, bool], PurchaseForecast] = {}

    def of(
        self, rows: pd.DataFrame, *, history_season: float = 1.0, is_whole: bool = False
    ) -> PurchaseForecast:
        """The models of the one cutoff of `rows`, on a history of that mean season index.

        rows: features of its customers. is_whole: learn from all of them, not from at most
        MOST_CUSTOMERS. Errors: ValueError if every customer bought on the cutoff only.
        """
        history, pred = (int(rows[name].iloc[0]) for name in ("history_months", "pred_months"))
        is_sampled = not is_whole and len(rows) > MOST_CUSTOMERS
        key = (history, pd.Timestamp(rows["cutoff"].iloc[0]), is_sampled)
        if key not in self._fitted:
            if is_sampled:
                rows = rows[customer_hash(rows) < MOST_CUSTOMERS / len(rows)]
            self._fitted[key] = PurchaseForecast.fit(rows, history_season=1.0, pred_months=pred)
        return replace(
            self._fitted[key], history_season=history_season, pred_days=pred * DAYS_A_MONTH
        )


def probability_by_cutoff(models: PurchaseForecasts, examples: pd.DataFrame) -> FloatArray:
    """Pareto/NBD's probability of a purchase by the models of each row's own cutoff, (rows,).

    examples: sorted by cutoff.
    """
    parts = [
        models.of(rows).probability_of_purchase(rows)
        for _, rows in examples.groupby("cutoff", sort=False)
    ]
    return np.concatenate(parts) if parts else np.empty(0)
