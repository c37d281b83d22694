"""Shops that do not change, for the false alarms and the power of the drift rule."""

import numpy as np
import pandas as pd

from ml.model.measures.drift import Yardstick, yardstick

Window = tuple[np.ndarray, np.ndarray, list[np.ndarray]]
# How far apart a model is on segments of one kind, for good and from window to window (log).
LASTING, PASSING = 0.15, 0.05


class World:
    """Spending and forecasts are drawn alike for every window.

    Heavy tails, many customers without a purchase, some returns, and totals that differ between
    windows by up to a tenth without meaning.
    """

    def __init__(self, draw: np.random.Generator) -> None:
        self.draw = draw
        self.customers = int(np.exp(draw.uniform(np.log(500), np.log(5000))))
        self.spread, self.tail = draw.uniform(0.8, 1.6), draw.uniform(0.5, 1.0)
        self.buyers, self.error = draw.uniform(0.15, 0.8), draw.uniform(0.3, 0.9)
        self.level = draw.uniform(0, 0.1)
        self.clusters = int(draw.integers(4, 9))
        self.lasting = draw.normal(0, LASTING, (3, 8))

    def window(self) -> Window:
        """actual, predicted, forecasts of two rivals; each (customers,)."""
        expected = np.exp(self.draw.normal(4, self.spread, self.customers))
        share = self.draw.beta(2 * self.buyers, 2 * (1 - self.buyers), self.customers).clip(0.02)
        buys = self.draw.random(self.customers) < share
        actual = buys * expected / share * self._noise(self.tail)
        actual *= np.exp(self.draw.normal(0, self.level))
        actual -= (self.draw.random(self.customers) < 0.02) * expected * 0.3
        own = self._noise(self.error)
        alike = np.sqrt(own * self._noise(self.error))
        rivals = [expected * self._noise(1.5 * self.error), expected * alike]
        return actual, expected * own, rivals

    def record(self) -> list[Yardstick]:
        """One or two windows before."""
        return [yardstick(*self.window()) for _ in range(int(self.draw.integers(1, 3)))]

    def customers_of(self, window: Window) -> pd.DataFrame:
        """The window's customers with what puts them into segments; actual_clv by segment.

        What a model gets wrong on a segment is partly the same in every window of its world.
        """
        actual, predicted, rivals = window
        order_value = np.sqrt(predicted) * self._noise(0.5)
        tenure = (270 * self.draw.beta(1.5, 0.8, self.customers)).round()
        cluster = (self.draw.random(self.customers) ** 1.5 * self.clusters).astype(int)
        places = [
            cluster,
            np.searchsorted([90, 180, 240], tenure),
            np.searchsorted(np.quantile(order_value, [0.25, 0.5, 0.75]), order_value),
        ]
        effects = self.lasting + self.draw.normal(0, PASSING, self.lasting.shape)
        off = sum(effect[place] for effect, place in zip(effects, places, strict=True))
        return pd.DataFrame(
            {
                "customer_id": np.arange(self.customers),
                "predicted_clv": predicted,
                "actual_clv": actual * np.exp(off),
                "predicted_naive": rivals[0],
                "predicted_pareto_nbd": rivals[1],
                "mean_order_value": order_value,
                "customer_age_days": tenure,
                "cluster_name": pd.Series(cluster).map("cluster {}".format),
                "value_tier": np.where(
                    predicted > np.quantile(predicted, 0.8), "Top 20%", "Bottom 80%"
                ),
            }
        )

    def _noise(self, sd: float) -> np.ndarray:
        return np.exp(self.draw.normal(0, sd, self.customers) - sd**2 / 2)
