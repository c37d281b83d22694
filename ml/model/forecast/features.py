"""The one list of feature names: what the trees read, how much history each needs, its words.

A feature over the last k months exists only where the log covers k months before the cutoff. A
young log has it for nobody, an older one for some cutoffs; elsewhere the trees read NaN. The SQL
macro customer_features() yields these columns; a test compares the two lists.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Columns that tell whose row it is.
KEY = ("cutoff", "history_months", "pred_months", "customer_id")
# A feature over the whole history window is comparable only between windows of full length.
WHOLE_WINDOW = -1

Unit = Literal["money", "days", "count", "share", "ratio"]


@dataclass(frozen=True)
class Feature:
    """One column: its name, the trailing months it needs (0: none), its unit and its words."""

    name: str
    months: int
    unit: Unit
    words: str


def _always(name: str, unit: Unit, words: str) -> Feature:
    return Feature(name, 0, unit, words)


def _whole(name: str, unit: Unit, words: str) -> Feature:
    return Feature(name, WHOLE_WINDOW, unit, words)


def _trailing() -> list[Feature]:
    """Sums over the last k months; a window the log covers only in part does not have them."""
    trailing: list[Feature] = []
    for k in (1, 2, 3, 6, 9, 12):
        last = f"in the last {k} months" if k > 1 else "in the last month"
        trailing.append(Feature(f"net_revenue_{k}_months", k, "money", f"net revenue {last}"))
        trailing.append(Feature(f"purchase_days_{k}_months", k, "count", f"purchase days {last}"))
    for k in (3, 6, 12):
        last = f"in the last {k} months"
        trailing.append(Feature(f"returned_revenue_{k}_months", k, "money", f"returns {last}"))
        trailing.append(Feature(f"line_count_{k}_months", k, "count", f"order lines {last}"))
        trailing.append(Feature(f"active_months_{k}_months", k, "count", f"active months {last}"))
    for k in (3, 6):
        words = f"change of net revenue, last {k} months against the {k} before"
        trailing.append(Feature(f"net_revenue_change_{k}_months", 2 * k, "money", words))
    words = "net revenue a year before the predicted months"
    return [*trailing, Feature("net_revenue_same_season", 12, "money", words)]


FEATURES: tuple[Feature, ...] = (
    _always("recency_days", "days", "days since the last purchase"),
    _always("tenure_days", "days", "days since the first purchase in the history"),
    _always("mean_order_value", "money", "mean order value"),
    _always("mean_day_revenue", "money", "mean revenue of a purchase day"),
    _always("day_revenue_sd", "money", "spread of the revenue of purchase days"),
    _always("last_day_revenue", "money", "revenue of the last purchase day"),
    _always("max_day_revenue_share", "share", "share of the largest purchase day"),
    _always("last_line_count", "count", "lines of the last purchase day"),
    _always("mean_line_count", "ratio", "lines an order"),
    _always("mean_product_count", "ratio", "products a purchase day"),
    _always("returned_revenue_share", "share", "share of revenue returned"),
    _always("last_gap_days", "days", "days between the last two purchases"),
    _always("mean_gap_days", "days", "mean days between purchases"),
    _always("gap_days_sd", "days", "spread of the days between purchases"),
    _always("recency_to_gap_ratio", "ratio", "pause as a multiple of the usual gap"),
    _always("net_revenue_half_life_30_days", "money", "recent net revenue (half-life 30 days)"),
    _always("order_count_half_life_30_days", "ratio", "recent orders (half-life 30 days)"),
    _always("net_revenue_half_life_90_days", "money", "recent net revenue (half-life 90 days)"),
    _always("order_count_half_life_90_days", "ratio", "recent orders (half-life 90 days)"),
    *_trailing(),
    _whole("purchase_day_count", "count", "purchase days"),
    _whole("first_to_last_days", "days", "days from first to last purchase"),
    _whole("order_count", "count", "orders"),
    _whole("line_count", "count", "order lines"),
    _whole("product_count", "count", "products bought"),
    _whole("gross_revenue", "money", "gross revenue"),
    _whole("net_revenue", "money", "net revenue"),
    _whole("returned_revenue", "money", "returns"),
    _whole("return_count", "count", "returned orders"),
    _whole("max_order_value", "money", "largest order"),
    _whole("first_day_revenue", "money", "revenue of the first purchase day"),
    _whole("max_gap_days", "days", "longest pause between purchases"),
    _whole("net_revenue_half_life_270_days", "money", "net revenue (half-life 270 days)"),
    _whole("order_count_half_life_270_days", "ratio", "orders (half-life 270 days)"),
)

# What the buy-till-you-die models read.
PURCHASE_HISTORY = ("repeat_purchase_days", "first_to_last_days", "tenure_days")
PURCHASE_VALUE = ("purchase_day_count", "mean_day_revenue")

# What people read and models do not: of the whole log, not of the history window.
OF_THE_WHOLE_LOG = ("first_order_date", "customer_age_days")

# Every column of customer_features(), the key first.
ALL_COLUMNS: frozenset[str] = frozenset(
    {
        *KEY,
        *PURCHASE_HISTORY,
        *PURCHASE_VALUE,
        *(feature.name for feature in FEATURES),
        *OF_THE_WHOLE_LOG,
    }
)

# What fit_champion() reads beside the features.
EXAMPLE_COLUMNS = ("months_back", "observed_months", "actual_clv", "actual_order_count")


def customer_hash(rows: pd.DataFrame) -> NDArray[np.float64]:
    """A number in 0..1 that belongs to the customer, whatever else is in the frame.

    >>> customer_hash(pd.DataFrame({"customer_id": ["A", "B", "A"]})).round(3).tolist()
    [0.011, 0.412, 0.011]
    """
    hashes = pd.util.hash_array(rows["customer_id"].to_numpy(object), categorize=True)
    return hashes.astype(float) / 2.0**64
