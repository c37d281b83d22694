"""Is the population still the one the model was trained on? Frozen at training, compared per batch.

1. A model is right about customers like those it has seen.
2. At training, every watched column is cut into ten bins of equal size, and their edges are kept.
3. A later batch is counted by the same edges. If it is like the training, every bin holds a tenth.
4. How far the shares moved is one number per column, the population stability index.
5. Chance moves shares as well: the noise beside each index is what equal populations stay below.

Siddiqi 2006, Credit Risk Scorecards, prints the index as

    sum over the bins of (share now - share then) x ln(share now / share then)

It is 0 for equal shares; by custom 0.1 is a moderate shift and 0.25 a large one. An empty bin would
make it infinite, so half a customer is added to every bin. For equal populations it is about
(1/n_then + 1/n_now) times a chi-squared number of bins - 1 degrees of freedom: that is the noise.
"""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from ml.model.measures.by_customer_kind import NEW_CUSTOMER_DAYS
from ml.model.money_unit import money_unit

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
NEW_CUSTOMERS = "new_customer_share"
# Columns of int_customer_features that a comparison reads.
AGE = "customer_age_days"
READ = (*WATCHED, "gross_revenue", "returned_revenue", AGE)
BINS = 10
TOP_CUSTOMERS = 5
# Equal populations stay below the noise in this share of the batches.
NOISE_SHARE = 0.99
COLUMNS = ["indicator", "feature", "value", "reference", "noise"]


@dataclass(frozen=True)
class Bins:
    """A column of the training population: inner edges, customers by bin, those without it last.

    An edge belongs to the bin below it.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def shift(self, counts: NDArray[np.int64]) -> tuple[float, float]:
        """PSI of a batch, counted by the same bins, and what chance alone reaches.

        >>> index, noise = Bins(edges=(10.0,), counts=(50, 50, 0)).shift(np.array([80, 20, 0]))
        >>> round(index, 3), round(float(noise), 3)
        (0.406, 0.133)
        """
        then, now = np.asarray(self.counts), counts
        used = (then + now) > 0
        then, now = then[used], now[used]
        # half a customer more in every bin: an empty one is no infinite shift
        before, after = ((n + 0.5) / (n.sum() + 0.5 * len(n)) for n in (then, now))
        index = float(((after - before) * np.log(after / before)).sum())
        freedom = max(len(then) - 1, 1)
        chance = float(chi2.ppf(NOISE_SHARE, freedom)) * (1 / then.sum() + 1 / now.sum())
        return index, chance


@dataclass(frozen=True)
class Population:
    """The customers of the training cutoff, as later batches are compared with them.

    age_column: what new customers were counted by. Early artefacts counted inside the history
    window, where everybody seems young: their share of new customers is no reference.
    """

    bins: dict[str, Bins]
    shares: dict[str, float]
    age_column: str = "tenure_days"

    def compare(self, customers: Any) -> pd.DataFrame:
        """One row per indicator and feature of a batch: COLUMNS.

        noise is NULL for shares, reference is NULL where the training does not know it.

        customers: a relation of READ and SCORE. indicator is feature_shift (a PSI per feature),
        score_shift, or a key of `shares_of`.
        """
        rows: list[tuple[str, str, float, float, float]] = []
        edges = {name: bins.edges for name, bins in self.bins.items()}
        by_column = _counts(customers, edges)
        if not by_column[SCORE].sum():
            return pd.DataFrame(columns=COLUMNS)
        for name, counts in by_column.items():
            index, chance = self.bins[name].shift(counts)
            kind = "score_shift" if name == SCORE else "feature_shift"
            rows.append((kind, name, index, 0.0, chance))
        for name, share in shares_of(customers).items():
            rows.append((name, "", share, self._reference(name), float("nan")))
        return pd.DataFrame(rows, columns=COLUMNS)

    def _reference(self, name: str) -> float:
        """The share at training, NaN if the training counted it in another way."""
        is_known = name != NEW_CUSTOMERS or self.age_column == AGE
        return self.shares[name] if is_known else float("nan")


def describe_population(features: pd.DataFrame, predicted: NDArray[np.float64]) -> Population:
    """The reference from the customers of the training cutoff and the new model's scores."""
    customers = features[list(READ)].assign(**{SCORE: predicted})
    edges = {name: _edges(customers[name]) for name in (*WATCHED, SCORE)}
    with duckdb.connect() as con:
        relation = con.from_df(customers)
        counts, shares = _counts(relation, edges), shares_of(relation)
    bins = {name: Bins(edges[name], tuple(map(int, counts[name]))) for name in edges}
    return Population(bins, shares, age_column=AGE)


def shares_of(customers: Any) -> dict[str, float]:
    """NEW_CUSTOMERS, top_five_revenue_share and return_rate of a batch, each 0-1 (or NaN)."""
    unit = _small_unit(customers, "gross_revenue")
    sums = customers.aggregate(
        "count(*) as customers,"
        f" count(*) filter ({AGE} <= {NEW_CUSTOMER_DAYS}) as new_customers,"
        f" {exact_sum('gross_revenue', unit)} as gross,"
        f" {exact_sum('returned_revenue', unit)} as returned"
    ).df()
    number, new, gross, returned = sums.iloc[0].astype(float)
    best = customers.project("gross_revenue").order("gross_revenue desc").limit(TOP_CUSTOMERS).df()
    return {
        NEW_CUSTOMERS: new / number,
        "top_five_revenue_share": float(best.sum().iloc[0]) / gross if gross > 0 else float("nan"),
        "return_rate": returned / gross if gross > 0 else float("nan"),
    }


def _counts(customers: Any, edges: dict[str, tuple[float, ...]]) -> dict[str, NDArray[np.int64]]:
    """Customers by bin of each column, those without it last; one pass over the relation."""
    values = customers.project(", ".join(f"cast({name} as double) as {name}" for name in edges))
    reached = ["count(*) as customers"]
    for name, inner in edges.items():
        # a third of the time of count(*) filter (…)
        reached += [
            f"sum(cast({name} <= cast('{edge!r}' as double) as integer)) as {name}_{place}"
            for place, edge in enumerate(inner)
        ]
        reached.append(f"count({name}) as {name}_{len(inner)}")
    totals = values.aggregate(", ".join(reached)).df().fillna(0).iloc[0].astype("int64")
    counts = {}
    for name, inner in edges.items():
        up_to = [totals[f"{name}_{place}"] for place in range(len(inner) + 1)]
        counts[name] = np.diff([0, *up_to, totals["customers"]])
    return counts


def _edges(values: pd.Series) -> tuple[float, ...]:
    """Inner edges of the deciles of the values; fewer where many customers share one value."""
    known = values.dropna().to_numpy(float)
    edges = np.quantile(known, np.arange(1, BINS) / BINS) if len(known) else np.array([])
    return tuple(float(edge) for edge in np.unique(edges) if edge < known.max())


def _small_unit(customers: Any, column: str) -> float:
    largest = customers.aggregate(f"max({column}) as largest").df()["largest"].iloc[0]
    return small_unit(float(largest))


def small_unit(largest: float) -> float:
    """The unit in which eight decimals are enough: 1, or less if all values are small."""
    return min(money_unit(largest), 1.0)


def exact_sum(column: str, unit: float = 1.0) -> str:
    """SQL of a sum that does not depend on the order of the rows, as one of DOUBLE does.

    unit: of money, see small_unit(); its square for a variance.
    """
    value = column if unit == 1 else f"{column} / {unit!r}"
    total = f"cast(sum(cast({value} as decimal(38, 8))) as double)"
    return total if unit == 1 else f"{total} * {unit!r}"
