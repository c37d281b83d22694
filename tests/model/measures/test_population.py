"""The population of training and that of a batch: bins, stability indices, shares."""

from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.model.measures.population import (
    READ,
    SCORE,
    WATCHED,
    Population,
    describe_population,
    shares_of,
)


def customers(count: int = 997, seed: int = 3) -> pd.DataFrame:
    """READ with ties, gaps and a constant, as shops have them, and scores."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({name: random.gamma(1.5, 40, count) for name in (*READ, SCORE)})
    rows["order_count"] = random.geometric(0.4, count)
    rows["mean_gap_days"] = rows["mean_gap_days"].where(random.random(count) < 0.6)
    rows["mean_line_count"] = 2.0
    rows["mean_product_count"] = np.nan
    rows["customer_age_days"] = random.integers(0, 400, count)
    return rows


def described(rows: pd.DataFrame) -> Population:
    return describe_population(rows.drop(columns=SCORE), rows[SCORE].to_numpy())


def compared(population: Population, rows: pd.DataFrame) -> pd.DataFrame:
    with duckdb.connect() as con:
        return population.compare(con.from_df(rows))


def expected_index(then: pd.Series, now: pd.Series) -> float:
    """PSI over deciles of `then`, (a, b] each, and those without a value, in plain numpy."""
    deciles = then.quantile(np.arange(1, 10) / 10)
    edges = deciles[deciles < then.max()].unique()
    shares = []
    for values in (then, now):
        counts = np.bincount(
            np.searchsorted(edges, values.dropna(), side="left"), minlength=len(edges) + 1
        )
        shares.append(np.append(counts, values.isna().sum()))
    used = shares[0] + shares[1] > 0
    before, after = ((n[used] + 0.5) / (n[used] + 0.5).sum() for n in shares)
    return float(((after - before) * np.log(after / before)).sum())


def test_a_population_is_no_shift_from_itself_in_any_order_of_rows():
    rows = customers()
    shifts = compared(described(rows), rows.sample(frac=1, random_state=1))
    indices = shifts[shifts["indicator"].isin(["feature_shift", "score_shift"])]
    assert list(indices["feature"]) == [*WATCHED, SCORE]
    assert (indices["value"] == 0).all() and (indices["noise"] >= 0).all()
    shares = shifts[shifts["feature"] == ""]
    assert len(shares) == 3 and (shares["value"] == shares["reference"]).all()


@pytest.mark.parametrize("factor", [0.7, 1.0, 3.0])
def test_the_index_is_that_of_deciles_whose_edges_belong_to_the_bin_below(factor: float):
    then, now = customers(), customers(1500, seed=4)
    now[["recency_days", "order_count", SCORE]] *= factor
    now["mean_gap_days"] = now["mean_gap_days"].where(now["mean_gap_days"] > 20)
    shifts = compared(described(then), now).set_index("feature")["value"]
    for name in (*WATCHED, SCORE):
        assert shifts[name] == pytest.approx(expected_index(then[name], now[name]), abs=1e-12)


def test_shares_are_those_of_all_customers():
    rows = customers()
    with duckdb.connect() as con:
        found = shares_of(con.from_df(rows))
    gross = rows["gross_revenue"]
    assert found == pytest.approx(
        {
            "new_customer_share": (rows["customer_age_days"] <= 90).mean(),
            "top_five_revenue_share": gross.nlargest(5).sum() / gross.sum(),
            "return_rate": rows["returned_revenue"].sum() / gross.sum(),
        }
    )


def test_a_training_that_counted_inside_the_history_knows_no_share_of_new_customers():
    rows = customers()
    population = described(rows)
    early = replace(population, age_column="tenure_days")
    now, then = (compared(one, rows).set_index("indicator") for one in (population, early))
    assert now.loc["new_customer_share", "reference"] == now.loc["new_customer_share", "value"]
    assert np.isnan(then.loc["new_customer_share", "reference"])
    assert then.loc["new_customer_share", "value"] == now.loc["new_customer_share", "value"]
    assert then.loc["return_rate", "reference"] == now.loc["return_rate", "reference"]


def test_shares_of_revenue_are_unknown_where_nobody_paid():
    rows = customers(4).assign(gross_revenue=0.0)
    with duckdb.connect() as con:
        found = shares_of(con.from_df(rows))
    assert np.isnan([found["top_five_revenue_share"], found["return_rate"]]).all()
    assert 0 <= found["new_customer_share"] <= 1
