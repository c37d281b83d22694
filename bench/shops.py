"""Simulated shops for the protocol: ten kinds, and every seed draws another shop of its kind.

Customers come, buy for a while at their own rate and leave. A kind says in which ranges rates,
lifetimes, spending and the shop's own course are drawn. They are for choosing and judging recipes,
so the seeds of one purpose are never used for the other (see protocol.py).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Range = tuple[float, float]

FIRST_DAY = pd.Timestamp("2020-01-01")
DAYS_A_MONTH = 30.4375
YEAR = 365.0


@dataclass(frozen=True)
class Kind:
    """Ranges from which a shop of this kind is drawn.

    months: of the log. purchases: a month and customer. lifetime: months. regularity: shape of the
    gaps between purchases (1 is chance, 50 a clock). arrivals, rates: growth a year of new
    customers and of everybody's rate, log. season: amplitude of a yearly wave. value, value_sd: of
    an order, money and log. whales: share of customers with 25 times the value.
    """

    months: Range = (26, 34)
    customers: Range = (900, 2000)
    purchases: Range = (0.15, 0.8)
    lifetime: Range = (6, 24)
    regularity: Range = (1, 1)
    arrivals: Range = (-0.1, 0.1)
    rates: Range = (0, 0)
    season: Range = (0, 0.15)
    value: Range = (15, 80)
    value_sd: Range = (0.5, 0.9)
    whales: float = 0
    returns: float = 0.03
    is_closed: bool = False
    is_young: bool = False
    is_alike: bool = False
    has_one_price: bool = False
    stops: bool = False


KINDS = {
    "closed cohort": Kind(is_closed=True, months=(18, 30), purchases=(0.1, 0.5)),
    "young and growing": Kind(
        is_young=True, months=(12, 18), arrivals=(1.0, 2.2), purchases=(0.2, 0.8)
    ),
    "shrinking": Kind(arrivals=(-1.5, -0.6), rates=(-0.7, -0.2)),
    "seasonal": Kind(season=(0.4, 0.9), months=(30, 36)),
    "sparse": Kind(
        purchases=(0.02, 0.07),
        lifetime=(12, 40),
        value=(150, 900),
        value_sd=(0.7, 1.2),
        customers=(1500, 3000),
    ),
    "subscription": Kind(
        purchases=(0.9, 1.1),
        regularity=(30, 80),
        lifetime=(8, 30),
        customers=(500, 1000),
        season=(0, 0),
        value_sd=(0.1, 0.4),
        returns=0,
        is_alike=True,
        has_one_price=True,
    ),
    "whales": Kind(whales=0.02, value_sd=(0.8, 1.2), purchases=(0.2, 1.0)),
    "sudden stop": Kind(stops=True),
    "grocery": Kind(
        purchases=(2, 5),
        lifetime=(10, 40),
        regularity=(1, 3),
        customers=(500, 900),
        value_sd=(0.4, 0.7),
    ),
    "yearly": Kind(
        purchases=(0.075, 0.095),
        regularity=(8, 40),
        lifetime=(30, 80),
        months=(34, 40),
        customers=(1500, 2600),
        season=(0, 0),
        is_alike=True,
    ),
}


class Shop:
    """One shop: what was drawn for it, and its orders."""

    def __init__(self, kind: str, seed: int) -> None:
        self.kind = KINDS[kind]
        self.draw = np.random.default_rng([seed, sorted(KINDS).index(kind)])
        self.days = round(self._of(self.kind.months) * DAYS_A_MONTH)
        self.customers = int(self._of(self.kind.customers))

    def orders(self) -> pd.DataFrame:
        """customer_id, order_id, ordered_at, amount: one row per order or return."""
        who, when = self._purchases()
        amounts = self._amounts()[who]
        if not self.kind.has_one_price:
            shape = self._of((2, 8))
            amounts = amounts * self.draw.gamma(shape, 1 / shape, len(who))
        sales = pd.DataFrame({"who": who, "day": when, "amount": amounts.round(2) + 0.01})
        sales["order_id"] = "O" + pd.Series(range(len(sales))).astype(str)
        back = sales[self.draw.random(len(sales)) < self.kind.returns]
        returns = back.assign(
            order_id="R" + back["order_id"], amount=(-0.6 * back["amount"]).round(2)
        )
        log = pd.concat([sales, returns], ignore_index=True)
        return pd.DataFrame(
            {
                "customer_id": "C" + log["who"].astype(str).str.zfill(6),
                "order_id": log["order_id"],
                "ordered_at": FIRST_DAY + pd.to_timedelta(log["day"], unit="D"),
                "amount": log["amount"].round(2),
            }
        ).sort_values(["ordered_at", "order_id"], ignore_index=True)

    def _of(self, ends: Range) -> float:
        return float(self.draw.uniform(*ends))

    def _arrivals(self) -> FloatArray:
        """Days on which the customers buy first; before day 0 those who were there already."""
        if self.kind.is_closed:
            return self.draw.uniform(0, 90, self.customers)
        growth = self._of(self.kind.arrivals) / YEAR
        start = 0.0 if self.kind.is_young else -YEAR * self._of((0.2, 1.5))
        place = self.draw.uniform(0, 1, self.customers)
        steep = growth * (self.days - start)
        if abs(steep) > 1e-6:
            place = np.log1p(place * np.expm1(steep)) / steep
        return start + (self.days - start) * place

    def _spread(self, mean: float, shape: Range) -> FloatArray:
        """A positive number per customer, gamma about the mean."""
        if self.kind.is_alike:
            return mean * np.exp(self.draw.normal(0, 0.1, self.customers))
        drawn = self._of(shape)
        return mean * self.draw.gamma(drawn, 1 / drawn, self.customers)

    def _purchases(self) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Customer and day of every order: gaps at the customer's rate, thinned by the course."""
        first = self._arrivals()
        season, phase = self._of(self.kind.season), self._of((0, YEAR))
        rate = self._spread(self._of(self.kind.purchases), (0.7, 2.5)) / DAYS_A_MONTH
        shape = self._of((0.8, 2.5))
        life = self._of(self.kind.lifetime) * DAYS_A_MONTH
        last = first + life * self.draw.gamma(shape, 1 / shape, self.customers)
        regular = self._of(self.kind.regularity)
        who, when, clock = [], [], first.copy()
        now = np.arange(self.customers)
        while len(now):
            who.append(now)
            when.append(clock[now])
            gap = self.draw.gamma(regular, 1 / regular, len(now))
            clock[now] += gap / (rate[now] * (1 + season))
            now = now[(clock[now] < self.days) & (clock[now] < last[now])]
        people, moments = np.concatenate(who), np.concatenate(when)
        kept = self.draw.random(len(people)) < self._course(moments, season, phase)
        kept &= (moments >= 0) & (moments < self.days)
        return people[kept], moments[kept].astype(np.int64)

    def _course(self, moments: FloatArray, season: float, phase: float) -> FloatArray:
        """The share of purchases that really happen on each day."""
        share = (1 + season * np.sin(2 * np.pi * (moments - phase) / YEAR)) / (1 + season)
        share *= np.exp(self._of(self.kind.rates) / YEAR * np.maximum(moments, 0))
        if self.kind.stops:
            stop, left = self.days * self._of((0.55, 0.85)), self._of((0, 0.3))
            share *= np.where(moments > stop, left, 1)
        return share

    def _amounts(self) -> FloatArray:
        """What an order of each customer brings, money."""
        sd = self._of(self.kind.value_sd)
        value = self._of(self.kind.value) * np.exp(
            self.draw.normal(-(sd**2) / 2, sd, self.customers)
        )
        value[self.draw.random(self.customers) < self.kind.whales] *= 25
        return value.round(-1) + 9.99 if self.kind.has_one_price else value
