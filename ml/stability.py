"""Is the population still the one the model was trained on? Frozen at training, compared per batch.

The population stability index of a feature is the sum over its bins of
(share now - share then) x log(share now / share then): 0 for equal shares, by custom a moderate
shift from 0.1 and a large one from 0.25 (Siddiqi 2006, Credit Risk Scorecards).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

FloatArray = NDArray[np.float64]

# What a batch is compared by: pace, money, basket and returns.
WATCHED = (
    "recency_days",
    "first_to_last_days",
    "purchase_day_count",
    "order_count",
    "mean_gap_days",
    "recency_to_gap_ratio",
    "net_revenue",
    "net_revenue_3_months",
    "purchase_days_3_months",
    "mean_order_value",
    "max_order_value",
    "max_day_revenue_share",
    "mean_line_count",
    "mean_product_count",
    "returned_revenue_share",
)
SCORE = "predicted_clv"
# Columns of int_customer_features that a comparison reads.
READ = (*WATCHED, "gross_revenue", "returned_revenue", "tenure_days")
BINS = 10
NEW_DAYS = 90
TOP_CUSTOMERS = 5
# Equal populations stay below the noise in so many of 100 batches.
NOISE_LEVEL = 0.99
COLUMNS = ["indicator", "feature", "value", "reference", "noise"]


@dataclass(frozen=True)
class Bins:
    """A column of the training population: inner edges, customers by bin, those without it last."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def count(self, values: FloatArray) -> NDArray[np.int64]:
        """Customers by bin; an edge belongs to the bin below it."""
        known = values[np.isfinite(values)]
        places = np.searchsorted(np.asarray(self.edges), known, side="left")
        counts = np.bincount(places, minlength=len(self.edges) + 1)
        return np.append(counts, len(values) - len(known))

    def shift(self, values: FloatArray) -> tuple[float, float]:
        """PSI of the values against the training population, and what chance alone reaches."""
        then, now = np.asarray(self.counts), self.count(values)
        used = (then + now) > 0
        then, now = then[used], now[used]
        # half a customer more in every bin: an empty one is no infinite shift
        before, after = ((n + 0.5) / (n.sum() + 0.5 * len(n)) for n in (then, now))
        index = float(((after - before) * np.log(after / before)).sum())
        freedom = max(len(then) - 1, 1)
        chance = float(chi2.ppf(NOISE_LEVEL, freedom)) * (1 / then.sum() + 1 / now.sum())
        return index, chance


@dataclass(frozen=True)
class Population:
    """The customers of the training cutoff, as later batches are compared with them."""

    bins: dict[str, Bins]
    shares: dict[str, float]

    def compare(self, features: pd.DataFrame, predicted: FloatArray) -> pd.DataFrame:
        """One row per indicator and feature of a batch: COLUMNS; noise is NULL where unknown.

        features: rows of int_customer_features, predicted: their scores. indicator is
        feature_shift (a PSI per feature), score_shift, or a key of `shares_of`.
        """
        rows: list[tuple[str, str, float, float, float]] = []
        for name, column in _columns(features, predicted).items():
            index, chance = self.bins[name].shift(column)
            kind = "score_shift" if name == SCORE else "feature_shift"
            rows.append((kind, name, index, 0.0, chance))
        for name, share in shares_of(features).items():
            rows.append((name, "", share, self.shares[name], float("nan")))
        return pd.DataFrame(rows, columns=COLUMNS)


def describe_population(features: pd.DataFrame, predicted: FloatArray) -> Population:
    """The reference from the customers of the training cutoff and the new model's scores."""
    columns = _columns(features, predicted)
    bins = {name: _bins(column) for name, column in columns.items()}
    return Population(bins, shares_of(features))


def shares_of(features: pd.DataFrame) -> dict[str, float]:
    """new_customer_share, top_five_revenue_share and return_rate of a batch, each 0-1 (or NaN)."""
    gross = features["gross_revenue"].to_numpy(float)
    total = float(gross.sum())
    best = np.sort(gross)[-TOP_CUSTOMERS:]
    returned = float(features["returned_revenue"].sum())
    return {
        "new_customer_share": float((features["tenure_days"] <= NEW_DAYS).mean()),
        "top_five_revenue_share": float(best.sum()) / total if total > 0 else float("nan"),
        "return_rate": returned / total if total > 0 else float("nan"),
    }


def _columns(features: pd.DataFrame, predicted: FloatArray) -> dict[str, FloatArray]:
    """Watched columns and scores, NaN where the customer has none."""
    columns = {name: features[name].to_numpy(float, na_value=np.nan) for name in WATCHED}
    return columns | {SCORE: np.asarray(predicted, float)}


def _bins(values: FloatArray) -> Bins:
    """Deciles of the values; fewer where many customers share one value."""
    known = values[np.isfinite(values)]
    edges = np.quantile(known, np.arange(1, BINS) / BINS) if len(known) else np.array([])
    inner = tuple(float(edge) for edge in np.unique(edges) if edge < known.max())
    counts = Bins(inner, ()).count(values)
    return Bins(inner, tuple(int(count) for count in counts))
