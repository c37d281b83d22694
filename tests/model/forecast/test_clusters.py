"""Behaviour clusters: recovery of known groups, stability rules, frozen assignment, names."""

import numpy as np
import pandas as pd
import pytest

from ml.model.forecast.clusters import BEHAVIOUR, SMALLEST_SHARE, STABLE_ARI, fit_behaviour_clusters

GROUPS = {
    # recency, tenure, purchase days, order value, returned share, products, largest day share
    "loyal": (5, 250, 20, 60, 0.02, 8, 0.10),
    "lapsed": (220, 260, 2, 30, 0.01, 2, 0.60),
    "new": (10, 12, 1, 40, 0.00, 3, 1.00),
    "big": (40, 200, 4, 900, 0.30, 20, 0.40),
}


def shoppers(size: int = 200, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [
        np.array(centre) * rng.uniform(0.85, 1.15, (size, len(centre)))
        for centre in GROUPS.values()
    ]
    frame = pd.DataFrame(np.vstack(rows), columns=list(BEHAVIOUR))
    return frame.assign(group=np.repeat(list(GROUPS), size))


def test_no_cluster_mixes_known_groups() -> None:
    customers = shoppers()
    clusters = fit_behaviour_clusters(customers, least=4, most=8, seed=1)
    assigned = clusters.assign(customers)["cluster_id"]
    assert pd.crosstab(customers["group"], assigned).gt(0).sum(axis=0).eq(1).all()
    assert clusters.stability[4]["ari"] > STABLE_ARI


def test_the_largest_stable_number_without_a_tiny_cluster_is_chosen() -> None:
    clusters = fit_behaviour_clusters(shoppers(), least=2, most=6, seed=1)
    passed = [
        k
        for k, figures in clusters.stability.items()
        if figures["ari"] >= STABLE_ARI and figures["smallest_share"] >= SMALLEST_SHARE
    ]
    assert len(clusters.names) == max(passed)


def test_the_same_customers_and_seed_give_the_same_clusters() -> None:
    first = fit_behaviour_clusters(shoppers(), least=4, most=6, seed=1)
    again = fit_behaviour_clusters(shoppers(), least=4, most=6, seed=1)
    assert np.array_equal(first.centroids, again.centroids)
    assert first.names == again.names


def test_a_customer_keeps_the_cluster_whoever_else_is_scored() -> None:
    customers = shoppers()
    clusters = fit_behaviour_clusters(customers, least=4, most=6, seed=1)
    alone = clusters.assign(customers.iloc[[7]])["cluster_id"].iloc[0]
    assert alone == clusters.assign(customers)["cluster_id"].iloc[7]


def test_names_are_distinct_and_cluster_one_buys_most_often() -> None:
    customers = shoppers()
    clusters = fit_behaviour_clusters(customers, least=4, most=4, seed=1)
    assert len(set(clusters.names)) == 4
    bought = customers.groupby(clusters.assign(customers)["cluster_id"])["purchase_day_count"]
    assert bought.mean().idxmax() == 1


@pytest.mark.parametrize("size", [1, 2])
def test_a_handful_of_customers_still_has_clusters(size: int) -> None:
    few = shoppers(1).head(size)
    clusters = fit_behaviour_clusters(few, least=4, most=8, seed=1)
    assert clusters.assign(few)["cluster_id"].between(1, size).all()


def test_equal_customers_are_one_cluster() -> None:
    same = pd.concat([shoppers(1).head(1)] * 50, ignore_index=True)
    clusters = fit_behaviour_clusters(same, least=4, most=8, seed=1)
    assert set(clusters.assign(same)["cluster_id"]) == {1}


def test_missing_behaviour_counts_as_none() -> None:
    customers = shoppers()
    customers.loc[0, "returned_revenue_share"] = np.nan
    clusters = fit_behaviour_clusters(customers, least=4, most=4, seed=1)
    assert clusters.assign(customers)["cluster_id"].notna().all()


def test_no_customer_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="no customer to cluster"):
        fit_behaviour_clusters(shoppers().head(0), least=4, most=8, seed=1)
