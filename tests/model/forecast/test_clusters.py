"""Behaviour clusters: recovery of known groups, stability rules, frozen assignment, names."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.model.forecast.cluster_names import meanings_of, name_of
from ml.model.forecast.cluster_vocabulary import AGE, WORDS, is_true_of
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
    return frame.assign(group=np.repeat(list(GROUPS), size), **{AGE: frame["tenure_days"]})


def words_of(customers: pd.DataFrame, cluster: list[int] | np.ndarray) -> list[set[str]]:
    """The words of the clusters' names."""
    labels = np.asarray(cluster)
    named = meanings_of(customers, labels, int(labels.max()) + 1, new_days=90)
    return [set(name_of(mine).lower().split(", ")) for mine in named]


def people(**columns: list[float]) -> pd.DataFrame:
    """Customers who are alike but for these columns."""
    count = len(next(iter(columns.values())))
    return pd.DataFrame({name: [100.0] * count for name in WORDS} | columns)


def test_no_cluster_mixes_known_groups() -> None:
    customers = shoppers()
    clusters = fit_behaviour_clusters(customers, least=4, most=8, seed=1, new_days=90)
    assigned = clusters.assign(customers)["cluster_id"]
    assert pd.crosstab(customers["group"], assigned).gt(0).sum(axis=0).eq(1).all()
    assert clusters.stability[4]["ari"] > STABLE_ARI


def test_the_largest_stable_number_without_a_tiny_cluster_is_chosen() -> None:
    clusters = fit_behaviour_clusters(shoppers(), least=2, most=6, seed=1, new_days=90)
    passed = [
        k
        for k, figures in clusters.stability.items()
        if figures["ari"] >= STABLE_ARI and figures["smallest_share"] >= SMALLEST_SHARE
    ]
    assert len(clusters.names) == max(passed)


def test_the_same_customers_and_seed_give_the_same_clusters() -> None:
    first = fit_behaviour_clusters(shoppers(), least=4, most=6, seed=1, new_days=90)
    again = fit_behaviour_clusters(shoppers(), least=4, most=6, seed=1, new_days=90)
    assert np.array_equal(first.centroids, again.centroids)
    assert first.names == again.names


def test_a_customer_keeps_the_cluster_whoever_else_is_scored() -> None:
    customers = shoppers()
    clusters = fit_behaviour_clusters(customers, least=4, most=6, seed=1, new_days=90)
    alone = clusters.assign(customers.iloc[[7]])["cluster_id"].iloc[0]
    assert alone == clusters.assign(customers)["cluster_id"].iloc[7]


def test_names_are_distinct_and_cluster_one_buys_most_often() -> None:
    customers = shoppers()
    clusters = fit_behaviour_clusters(customers, least=4, most=4, seed=1, new_days=90)
    assert len(set(clusters.names)) == 4
    bought = customers.groupby(clusters.assign(customers)["cluster_id"])["purchase_day_count"]
    assert bought.mean().idxmax() == 1


@pytest.mark.parametrize("size", [1, 2])
def test_a_handful_of_customers_still_has_clusters(size: int) -> None:
    few = shoppers(1).head(size)
    clusters = fit_behaviour_clusters(few, least=4, most=8, seed=1, new_days=90)
    assert clusters.assign(few)["cluster_id"].between(1, size).all()


def test_equal_customers_are_one_cluster() -> None:
    same = pd.concat([shoppers(1).head(1)] * 50, ignore_index=True)
    clusters = fit_behaviour_clusters(same, least=4, most=8, seed=1, new_days=90)
    assert set(clusters.assign(same)["cluster_id"]) == {1}


def test_missing_behaviour_counts_as_none() -> None:
    customers = shoppers()
    customers.loc[0, "returned_revenue_share"] = np.nan
    clusters = fit_behaviour_clusters(customers, least=4, most=4, seed=1, new_days=90)
    assert clusters.assign(customers)["cluster_id"].notna().all()


def test_no_customer_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="no customer to cluster"):
        fit_behaviour_clusters(shoppers().head(0), least=4, most=8, seed=1, new_days=90)


# Names


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 10_000),
    clusters=st.integers(1, 8),
    spread=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_no_name_has_all_the_words_of_another_and_every_word_is_true(
    seed: int, clusters: int, spread: float
) -> None:
    draw = np.random.default_rng(seed)
    customers = pd.DataFrame(
        {name: np.exp(spread * draw.normal(3, 1, 60)).round() for name in WORDS}
    )
    labels = draw.integers(0, clusters, 60)
    named = meanings_of(customers, labels, clusters, new_days=90)
    sets = [{one.word.lower() for one in mine} for mine in named]
    assert all(not mine <= other for mine, other in permutations(sets, 2))
    for number, mine in enumerate(named):
        for one in mine:
            if one.column:
                median = float(customers.loc[labels == number, one.column].median())
                assert (one.median, one.overall) == (median, customers[one.column].median())
                assert is_true_of(one.word, median, one.overall, new_days=90)


def test_names_do_not_depend_on_the_order_of_the_customers() -> None:
    customers, labels = shoppers(50), np.repeat([0, 1, 2, 3], 50)
    order = np.random.default_rng(1).permutation(len(customers))
    assert words_of(customers, labels) == words_of(customers.iloc[order], labels[order])


def test_a_log_without_products_has_no_range_in_its_names() -> None:
    customers = shoppers().assign(mean_product_count=0.0)
    names = fit_behaviour_clusters(customers, least=4, most=4, seed=1, new_days=90).names
    assert not any("range" in name.lower() for name in names)


def test_new_is_who_ordered_first_at_most_so_many_days_ago() -> None:
    customers = people(**{AGE: [40.0, 50.0, 400.0, 500.0], "tenure_days": [40.0] * 4})
    assert words_of(customers, [0, 0, 1, 1]) == [{"new"}, {"long-standing"}]
    customers[AGE] += 100
    assert words_of(customers, [0, 0, 1, 1]) == [{"newer"}, {"long-standing"}]


def test_a_late_first_order_in_the_history_of_an_old_customer_is_no_new_customer() -> None:
    customers = people(**{AGE: [500.0] * 4, "tenure_days": [10.0, 20.0, 150.0, 160.0]})
    assert words_of(customers, [0, 0, 1, 1]) == [{"back after a pause"}, {"typical"}]
    customers[AGE] = customers["tenure_days"]
    assert words_of(customers, [0, 0, 1, 1])[0] == {"new"}


def test_one_off_is_who_spent_all_on_one_day() -> None:
    shares = people(max_day_revenue_share=[1.0, 1.0, 0.3, 0.3])
    assert words_of(shares, [0, 0, 1, 1]) == [{"one-off"}, {"even-spending"}]
    uneven = people(max_day_revenue_share=[0.9, 0.9, 0.3, 0.3])
    assert words_of(uneven, [0, 0, 1, 1])[0] == {"uneven-spending"}


def test_clusters_of_the_same_words_are_told_apart_by_how_much() -> None:
    counts = [1.0] * 6 + [3.0, 3.0] + [9.0, 9.0]
    words = words_of(people(purchase_day_count=counts), [0] * 6 + [1, 1] + [2, 2])
    assert words == [{"typical"}, {"fairly frequent"}, {"very frequent"}]


def test_clusters_of_the_same_words_are_told_apart_by_what_opposes_them() -> None:
    customers = people(
        recency_days=[100.0] * 6 + [5.0] * 4,
        mean_order_value=[10.0] * 6 + [10.4, 10.4, 9.6, 9.6],
        purchase_day_count=[1.0] * 6 + [9.0] * 4,
        returned_revenue_share=[0.0, 0.0, 0.1, 0.1, 0.9, 0.9, 0.15, 0.15, 0.02, 0.02],
    )
    words = words_of(customers, [0] * 6 + [1, 1] + [2, 2])
    assert "return-prone" in words[1] and "keeping goods" in words[2]
    assert not {"big-basket", "small-basket"} & (words[1] | words[2])


def test_a_name_is_frozen_with_its_cluster() -> None:
    customers = shoppers()
    clusters = fit_behaviour_clusters(customers, least=4, most=4, seed=1, new_days=90)
    later = customers.assign(**{AGE: customers[AGE] + 365})
    assert clusters.assign(later).equals(clusters.assign(customers))
