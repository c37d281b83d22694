"""The mart customers: everybody of the log once, with what the newest batch says of them."""

import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from conftest import (
    LAST_DAY,
    PROJECT,
    SECOND_CUTOFF,
    EngineHome,
    frame,
    line,
)
from dbt_calls import dbt

PREDICTED = [
    "predicted_clv",
    "predicted_clv_low",
    "predicted_clv_high",
    "probability_of_purchase",
    "predicted_clv_if_bought",
    "total_value",
    "value_tier",
    "value_tier_rank",
    "cluster_name",
    "strongest_driver",
    "risk",
]


def table(home: EngineHome, query: str) -> pd.DataFrame:
    with duckdb.connect(home.database, read_only=True) as con:
        return con.execute(query).df()


@pytest.fixture(scope="module")
def customers(rescored_home: EngineHome) -> pd.DataFrame:
    return table(rescored_home, "select * from marts.customers").set_index("customer_id")


@pytest.fixture(scope="module")
def batch(rescored_home: EngineHome) -> pd.DataFrame:
    """The newest batch of the champion."""
    query = f"select * from marts.clv_ranked_predictions where cutoff = '{SECOND_CUTOFF}'"
    return table(rescored_home, query).set_index("customer_id")


def test_every_customer_of_the_log_is_there_once_with_their_orders_and_revenue(
    rescored_home: EngineHome, customers: pd.DataFrame
):
    lines = table(rescored_home, "select * from staging.stg_transactions")
    orders = lines.groupby(["customer_id", "order_date", "order_id"])["amount"].sum().reset_index()
    assert customers.index.is_unique
    assert set(customers.index) == set(lines["customer_id"])
    paid = orders[orders["amount"] > 0].groupby("customer_id")
    assert customers["orders"].to_dict() == paid.size().reindex(customers.index).fillna(0).to_dict()
    first = paid["order_date"].min().reindex(customers.index)
    last = paid["order_date"].max().reindex(customers.index)
    pd.testing.assert_series_equal(customers["first_order_date"], first, check_names=False)
    pd.testing.assert_series_equal(customers["last_order_date"], last, check_names=False)
    revenue = lines.groupby("customer_id")["amount"].sum().reindex(customers.index)
    assert customers["revenue"].tolist() == pytest.approx(revenue.tolist())


def test_predictions_are_those_of_the_newest_batch_and_null_for_everybody_else(
    customers: pd.DataFrame, batch: pd.DataFrame
):
    scored, others = customers.loc[batch.index], customers.drop(batch.index)
    shared = [*PREDICTED[:4], "value_tier", "value_tier_rank"]
    pd.testing.assert_frame_equal(scored[shared], batch[shared], check_dtype=False)
    assert scored[PREDICTED].notna().all(axis=None)
    assert scored["why_no_prediction"].isna().all()
    assert len(others) > 0
    assert others[[*PREDICTED, "next_order_date"]].isna().all(axis=None)
    assert others["why_no_prediction"].notna().all()
    assert set(customers["cutoff"]) == {pd.Timestamp(SECOND_CUTOFF)}


def test_reasons_and_clusters_are_those_of_the_newest_batch(
    rescored_home: EngineHome, customers: pd.DataFrame, batch: pd.DataFrame
):
    of_batch = f"cutoff = '{SECOND_CUTOFF}'"
    drivers = table(
        rescored_home, f"from marts.clv_drivers where driver_rank = 1 and {of_batch}"
    ).set_index("customer_id")["driver_text"]
    clusters = table(rescored_home, f"from marts.clv_clusters where {of_batch}").set_index(
        "customer_id"
    )["cluster_name"]
    scored = customers.loc[batch.index]
    assert scored["strongest_driver"].to_dict() == drivers.to_dict()
    assert scored["cluster_name"].to_dict() == clusters.to_dict()


def test_total_value_counts_no_day_twice(
    rescored_home: EngineHome, customers: pd.DataFrame, batch: pd.DataFrame
):
    until = table(
        rescored_home,
        "select customer_id, sum(amount)::double as revenue from staging.stg_transactions"
        f" where order_date <= '{SECOND_CUTOFF}' group by customer_id",
    ).set_index("customer_id")["revenue"]
    expected = until.reindex(batch.index) + batch["predicted_clv"]
    assert customers.loc[batch.index, "total_value"].tolist() == pytest.approx(expected.tolist())
    assert (customers["revenue_since_cutoff"] != 0).any()


def test_the_next_order_is_as_likely_as_not_by_its_date(rescored_home: EngineHome):
    rows = rescored_home.rows(
        "select probability_of_purchase, cutoff, window_end, last_order_date, next_order_date"
        " from marts.customers where probability_of_purchase is not null"
    )
    assert {day is None for *_, day in rows} == {True, False}
    for probability, cutoff, end, last, day in rows:
        assert (day is not None) == (probability >= 0.5)
        if day is not None:
            rate = -math.log(1 - min(probability, 0.999999)) / (end - cutoff).days
            waited = (day - max(cutoff, last)).days
            assert math.exp(-rate * waited) <= 0.5 + 1e-9
            assert math.exp(-rate * (waited - 1)) > 0.5 - 1e-9


def test_movement_is_that_of_the_tiers_of_two_batches(rescored_home: EngineHome):
    rows = rescored_home.rows(
        "select customer_id, cutoff, value_tier_rank from marts.clv_ranked_predictions"
        " where cutoff in (select cutoff from marts.champion_batches order by cutoff desc limit 2)"
    )
    ranks: dict[str, dict[Any, int]] = {}
    for customer, cutoff, rank in rows:
        ranks.setdefault(customer, {})[cutoff] = rank
    (before,) = {cutoff for _, cutoff, _ in rows} - {SECOND_CUTOFF}
    firsts = dict(rescored_home.rows("select customer_id, first_order_date from marts.customers"))

    def movement(customer: str) -> str | None:
        then, now = (ranks.get(customer, {}).get(one) for one in (before, SECOND_CUTOFF))
        if now is None:
            return None if then is None else "lapsed"
        if then is None:
            return "new" if firsts[customer] > before else "returned"
        if then == now:
            return "same"
        return f"up {then - now}" if now < then else f"down {now - then}"

    found = dict(rescored_home.rows("select customer_id, tier_change from marts.customers"))
    assert found == {customer: movement(customer) for customer in firsts}
    assert {"same", "up 1", "down 1", "lapsed", "new"} <= set(found.values())


def test_a_load_moves_the_past_and_leaves_the_prediction(
    rescored_home: EngineHome, customers: pd.DataFrame, tmp_path: Path
):
    home = rescored_home.copy(tmp_path / "home")
    known = str(customers["predicted_clv"].idxmax())
    before = customers.to_dict("index")[known]
    day = LAST_DAY + timedelta(days=1)
    home.deliver(frame([line(known, day, price=7.5), line("FIRST-TIMER", day)]), "later.parquet")
    home.call("load")
    ((orders, revenue, last, clv),) = home.rows(
        "select orders, revenue, last_order_date, predicted_clv from marts.customers"
        f" where customer_id = '{known}'"
    )
    assert orders == before["orders"] + 1
    assert float(revenue) == pytest.approx(float(before["revenue"]) + 7.5)
    assert (last, clv) == (day, before["predicted_clv"])
    query = "select why_no_prediction from marts.customers where customer_id = 'FIRST-TIMER'"
    assert home.rows(query) == [("first order after the cutoff",)]


def test_plain_dbt_adds_customers_and_the_numbers_of_all_tiers_to_an_earlier_home(
    rescored_home: EngineHome, tmp_path: Path
):
    home = rescored_home.copy(tmp_path / "home")
    with duckdb.connect(home.database) as con:
        con.execute("drop view marts.customers")
        con.execute("drop table intermediate.int_customers")
        con.execute("alter table marts.clv_ranked_predictions drop column value_tier_rank")
    of_second = ["--vars", f"{{cutoff: {SECOND_CUTOFF}}}", "--exclude-resource-type", "unit_test"]
    built = dbt(home, PROJECT, "build", *of_second)
    assert built.returncode == 0, built.stdout
    for mart in ("customers", "clv_ranked_predictions"):
        query = f"select * from marts.{mart} order by all"
        assert home.rows(query) == rescored_home.rows(query) != []
