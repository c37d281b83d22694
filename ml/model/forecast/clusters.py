"""Behaviour clusters: k-means on scaled behaviour, frozen with the champion, named for people.

1. Seven columns say how a customer behaves: how recent, how often, how much, how broad, …
2. Money and counts are skewed, so the logarithm is taken, and the outermost hundredth on either
   side is pulled in. Each column is then divided by its spread, so that none rules by its unit.
3. k-means finds centres; a customer belongs to the nearest (Lloyd 1982).
4. Any number of clusters can be found in any cloud. A number is trusted if customers drawn again
   give nearly the same clusters, and the largest trusted number is taken.
5. A cluster is called by what its customers have more or less of than all customers
   (cluster_names.py). Behaviour is that of the history window, so that customers do not wander
   from cluster to cluster as the log grows older.

    minimise  sum over the customers of |x - nearest centre|^2

Agreement between two clusterings is the adjusted Rand index (Hubert & Arabie 1985): the share of
pairs of customers treated alike, less what chance gives; 1 is the same, 0 is chance. Distances are
|c|^2 - 2 x.c, which ranks centres as |x - c|^2 does and spares an array of customers x columns.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from ml.model.forecast.cluster_names import Meaning, meanings_of, name_of
from ml.model.money_unit import money_unit

BEHAVIOUR = (
    "recency_days",
    "tenure_days",
    "purchase_day_count",
    "mean_order_value",
    "returned_revenue_share",
    "mean_product_count",
    "max_day_revenue_share",
)
# the column of BEHAVIOUR that is money
MONEY = "mean_order_value"
WINSOR_SHARES = (0.01, 0.99)
STABLE_ARI = 0.85
SMALLEST_SHARE = 0.03
BOOTSTRAPS = 5
SAMPLE = 20_000
STABILITY_SAMPLE = 4_000


@dataclass(frozen=True)
class BehaviourClusters:
    """A frozen scaler and centroids.

    `low`, `high`, `mean`, `scale`: one number per column of `columns`, in log1p units.
    `centroids`: (clusters, columns), in standard deviations. `names`: one per cluster.
    `stability`: bootstrap ARI and smallest share of every number of clusters that was tried.
    `meanings`: the words of each name with the figures of the training behind them, by cluster;
    empty in early artefacts. `unit`: of money, see money_unit.py.
    """

    columns: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    centroids: np.ndarray
    names: tuple[str, ...]
    stability: dict[int, dict[str, float]]
    meanings: tuple[tuple[Meaning, ...], ...] = ()
    unit: float = 1.0

    def assign(self, features: pd.DataFrame) -> pd.DataFrame:
        """Cluster of each customer: cluster_id (1 = first) and cluster_name, in row order."""
        nearest = _nearest(self._scaled(features), self.centroids)
        names = np.array(self.names, dtype=object)
        return pd.DataFrame(
            {"cluster_id": nearest.astype("int32") + 1, "cluster_name": names[nearest]},
            index=features.index,
        )

    def _scaled(self, features: pd.DataFrame) -> np.ndarray:
        values = np.clip(_log_behaviour(features, self.columns, self.unit), self.low, self.high)
        return (values - self.mean) / self.scale


def fit_behaviour_clusters(
    features: pd.DataFrame, *, least: int, most: int, seed: int, new_days: int
) -> BehaviourClusters:
    """Clusters of customers (rows of the feature table, in a fixed order).

    new_days: customers whose first order in the whole log is at most so many days old are new.

    The number of clusters is the largest in least..most whose bootstrap ARI is >= 0.85 with no
    cluster under 3 % of the customers, else the most stable one tried; never more than there are
    distinct customers. Columns without variation are left out of the distance.
    Raises ValueError when there is no customer.
    """
    if features.empty:
        raise ValueError("no customer to cluster; the history window holds no purchase")
    unit = money_unit(float(features[MONEY].mean()))
    raw = _log_behaviour(features, BEHAVIOUR, unit)
    low, high = np.quantile(raw, WINSOR_SHARES, axis=0)
    clipped = np.clip(raw, low, high)
    mean, deviation = clipped.mean(axis=0), clipped.std(axis=0)
    # a column without variation would be divided by 0: divided by infinity, it counts as nothing
    scale = np.where(deviation > 1e-9, deviation, np.inf)
    scaled = (clipped - mean) / scale
    centroids, stability = _most_stable(scaled, least, most, seed)
    # cluster 1 buys most often: an order that does not depend on the random start
    order = np.lexsort((*centroids.T, -centroids[:, BEHAVIOUR.index("purchase_day_count")]))
    centroids = centroids[order]
    # words have figures in the log's currency; how far apart they are has no unit
    meanings = meanings_of(
        features,
        _nearest(scaled, centroids),
        len(centroids),
        new_days=new_days,
        units={MONEY: unit},
    )
    return BehaviourClusters(
        columns=BEHAVIOUR,
        low=low,
        high=high,
        mean=mean,
        scale=scale,
        centroids=centroids,
        names=tuple(name_of(mine) for mine in meanings),
        stability=stability,
        meanings=meanings,
        unit=unit,
    )


def _most_stable(
    scaled: np.ndarray, least: int, most: int, seed: int
) -> tuple[np.ndarray, dict[int, dict[str, float]]]:
    """Centroids of the chosen number of clusters, and the figures of every number tried."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(scaled))[:SAMPLE])
    sample = scaled[chosen]
    few = sample[:: len(sample) // STABILITY_SAMPLE + 1]
    distinct = len(np.unique(few, axis=0))
    tried = range(min(least, distinct), min(most, distinct) + 1)
    centroids = {k: _fit(sample, k, seed, starts=4) for k in tried}
    stability = {
        k: {
            "ari": _bootstrap_ari(few, centroids[k], seed),
            "smallest_share": float(
                np.bincount(_nearest(scaled, centroids[k]), minlength=k).min() / len(scaled)
            ),
        }
        for k in tried
    }
    return centroids[_choose(stability)], stability


def _log_behaviour(features: pd.DataFrame, columns: tuple[str, ...], unit: float) -> np.ndarray:
    values = features.loc[:, list(columns)].to_numpy(dtype="float64", na_value=0.0)
    values = values / [unit if column == MONEY else 1.0 for column in columns]
    return np.log1p(np.maximum(values, 0.0))


def _fit(values: np.ndarray, k: int, seed: int, starts: int = 2) -> np.ndarray:
    # one thread: the sample is small, and sums then do not depend on the number of cores
    with threadpool_limits(1):
        means = KMeans(k, n_init=starts, random_state=seed)  # pyright: ignore[reportArgumentType]
        return means.fit(values).cluster_centers_


def _nearest(values: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Index of the nearest centroid, the first of equals; (n, d) against (k, d)."""
    distances = (centroids**2).sum(axis=1) - 2.0 * values @ centroids.T
    return np.asarray(distances.argmin(axis=1))


def _bootstrap_ari(values: np.ndarray, centroids: np.ndarray, seed: int) -> float:
    """Mean ARI between the clusters of `centroids` and those fitted on bootstrap samples."""
    k = len(centroids)
    reference = _nearest(values, centroids)
    rng = np.random.default_rng([seed, k])
    scores = []
    for _ in range(BOOTSTRAPS):
        again = values[rng.integers(0, len(values), len(values))]
        if len(np.unique(again, axis=0)) >= k:
            labels = _nearest(values, _fit(again, k, seed))
            scores.append(adjusted_rand_score(reference, labels))
    return float(np.mean(scores)) if scores else 0.0


def _choose(stability: dict[int, dict[str, float]]) -> int:
    """The largest stable number without a tiny cluster, else the most stable of what is left."""
    whole = {k: f for k, f in stability.items() if f["smallest_share"] >= SMALLEST_SHARE}
    stable = [k for k, figures in whole.items() if figures["ari"] >= STABLE_ARI]
    if stable:
        return max(stable)
    left = whole or stability
    return max(left, key=lambda k: (left[k]["ari"], k))
