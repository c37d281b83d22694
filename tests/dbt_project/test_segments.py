"""The segments of a window: the SQL of the marts over simulated worlds."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from judged import is_worse, model
from worlds import World

from ml.model.measures.drift import RIVALS, Yardstick, compare, yardstick

WORLDS = 200
# One window after the other: a window has matured on the cutoff of the next.
CUTOFFS = pd.date_range("2020-01-31", periods=9, freq="ME")
KEY = ["model_id", "cutoff"]


def segments(windows: pd.DataFrame) -> pd.DataFrame:
    """drift_segments of customers with KEY and is_significant."""
    with duckdb.connect() as con:
        con.register("windows", windows)
        con.execute(
            "create table clv_predictions_actual as select * replace (cutoff::date as cutoff),"
            " 1 as revision, last_day(cutoff::date + 1) as window_end from windows"
        )
        for name in ("clv_ranked_predictions", "clv_clusters", "customer_rfm"):
            con.execute(f"create view {name} as from clv_predictions_actual")
        for name in ("int_judged_windows", "int_matured_windows"):
            con.execute(
                f"create view {name} as select distinct cutoff, model_id, revision, window_end,"
                " not is_significant as is_quiet, true as is_newest_revision"
                " from clv_predictions_actual"
            )
        con.execute("create table stg_currency as select '$' as currency_mark")
        sums = model("intermediate/monitor/int_segment_sums")
        con.execute(f"create table int_segment_sums as {sums}")
        return con.sql(model("marts/drift_segments")).df()


@pytest.fixture(scope="module")
def stable() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two windows of each stable world: their verdicts by KEY, and their segments."""
    draw, windows = np.random.default_rng(20240301), []
    for number in range(WORLDS):
        world = World(draw)
        record = [figures(world.customers_of(world.window())) for _ in range(2)]
        for place in range(2):
            customers = world.customers_of(world.window())
            now = figures(customers)
            windows.append(at(customers, number, place, is_worse(compare(now, record))))
    everything = pd.concat(windows)
    verdicts = everything.groupby(KEY)["is_significant"].first().reset_index()
    return verdicts, segments(everything)


def figures(customers: pd.DataFrame) -> Yardstick:
    """Error, level and lead of a window."""
    actual, *forecasts = customers[["actual_clv", "predicted_clv", *RIVALS]].to_numpy(float).T
    return yardstick(actual, forecasts[0], forecasts[1:])


def at(customers: pd.DataFrame, world: int, place: int, significant: bool) -> pd.DataFrame:
    """Customers as the window number `place` of the model of a world."""
    return customers.assign(
        customer_id=customers["customer_id"] + 10_000 * world,
        model_id=f"W{world:03}",
        cutoff=CUTOFFS[place],
        is_significant=significant,
    )


@pytest.mark.long
def test_at_most_one_stable_window_in_twenty_drifts_by_figures_and_segments_together(
    stable: tuple[pd.DataFrame, pd.DataFrame],
):
    verdicts, found = stable
    drifted = found.groupby(KEY)["has_drifted"].any().reset_index()
    both = verdicts.merge(drifted, on=KEY)
    assert len(both) == 2 * WORLDS
    assert both["has_drifted"].mean() <= 0.02
    assert (both["has_drifted"] | both["is_significant"]).mean() <= 0.05


def test_a_shop_that_is_easy_to_predict_names_the_half_that_spends_less():
    customers = calm_shop()
    middle = customers["mean_order_value"].median()
    shocked = less(customers, customers["mean_order_value"] <= middle)
    found = segments(at(shocked, 0, 0, False)).set_index("segment_rank")
    assert found.loc[1, "segment_kind"] == "order-value half"
    assert found.loc[1, "segment"] == f"up to ${middle:.2f}"
    assert found.loc[1, "actual_to_predicted"] < 0.5 * found["actual_to_predicted"].max()


def test_a_segment_without_a_usual_level_is_named_but_has_not_drifted():
    customers = calm_shop()
    found = segments(at(less(customers, customers["cluster_name"] == "cluster 0"), 0, 0, False))
    first = found[found["segment_rank"] == 1].iloc[0]
    assert (first["segment_kind"], first["segment"]) == ("cluster", "cluster 0")
    assert abs(first["z_against_rest"]) > 4.5
    assert not found["has_drifted"].any()


def test_a_random_half_moves_no_segment_against_the_rest():
    customers = calm_shop()
    random = less(customers, customers["customer_id"] % 2 == 0)
    found = segments(pd.concat([at(customers, 0, 0, False), at(random, 0, 1, False)]))
    second = found[found["cutoff"] == CUTOFFS[1]]
    assert (second["usual_window_count"] == 1).all()
    assert not second["has_drifted"].any()
    assert second["actual_to_predicted"].max() < 0.9


def test_the_first_shocked_windows_are_not_yet_what_is_usual():
    customers = calm_shop()
    low = customers["mean_order_value"] <= customers["mean_order_value"].median()
    quiet, shocked = customers, less(customers, low)
    windows = [at(shocked if place >= 5 else quiet, 0, place, False) for place in range(8)]
    found = segments(pd.concat(windows))
    drifted = found[found["has_drifted"]].groupby("cutoff")["segment_kind"].agg(set)
    assert [day.date() for day in drifted.index] == [day.date() for day in CUTOFFS[5:8]]
    assert all("order-value half" in kinds for kinds in drifted)


def calm_shop() -> pd.DataFrame:
    """2,000 customers who all buy, near what was predicted."""
    world = World(np.random.default_rng(5))
    world.customers, world.buyers, world.tail, world.error = 2_000, 0.98, 0.4, 0.3
    world.lasting = 0 * world.lasting
    return world.customers_of(world.window())


def less(customers: pd.DataFrame, chosen: pd.Series) -> pd.DataFrame:
    """Customers of whom the chosen spend 0.4 of what they would have."""
    spent = customers["actual_clv"]
    return customers.assign(actual_clv=spent.where(~chosen, 0.4 * spent))
