"""A warehouse of an earlier version: the first command that reads the views adds them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import CUTOFF, PAST_CUTOFF, SECOND_CUTOFF, EngineHome, frame, line

from ml.home.errors import EngineError, LockHeldError
from ml.home.layout import Home
from ml.warehouse import views
from ml.warehouse.side_copy import locked
from ml.warehouse.views import VERDICTS, bring_over, missing_verdicts, missing_views

MakeHome = Callable[..., EngineHome]
VIEWS = ["marts.batch_windows", "marts.champion_batches", "marts.customers"]


@pytest.fixture
def earlier(rescored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """Trained, scored three times, and without the views, as an earlier version left it."""
    home = rescored_home.copy(tmp_path_factory.mktemp("earlier") / "home")
    with duckdb.connect(home.database) as con:
        for name in reversed(VIEWS):
            con.execute(f"drop view {name}")
    return home


def views_of(home: EngineHome) -> list[str]:
    rows = home.rows(
        "select 'marts.' || view_name from duckdb_views() where schema_name = 'marts' order by all"
    )
    return [name for (name,) in rows]


def test_the_first_command_adds_the_views_and_says_what_it_always_said(
    rescored_home: EngineHome, earlier: EngineHome, tmp_path: Path
):
    today = rescored_home.copy(tmp_path / "today")
    ((customer, model_id),) = earlier.rows(
        "select customer_id, model_id from marts.clv_ranked_predictions order by clv_rank limit 1"
    )
    before = earlier.marts()
    for call in (
        ["status"],
        ["explain", customer],
        ["purge", "--dry-run"],
        ["promote", model_id],
    ):
        with duckdb.connect(earlier.database) as con:
            for name in reversed(VIEWS):
                con.execute(f"drop view if exists {name}")
        assert earlier.call(*call).result == today.call(*call).result, call
        assert views_of(earlier) == VIEWS, call
    assert earlier.marts() == before


def test_the_report_of_an_earlier_home_has_the_same_bytes(earlier: EngineHome):
    page = earlier.outputs / "report.html"
    before = page.read_bytes()
    page.unlink()
    earlier.call("report")
    assert page.read_bytes() == before
    assert views_of(earlier) == VIEWS


def test_a_run_in_an_earlier_home_measures_and_exports_as_before(
    rescored_home: EngineHome, earlier: EngineHome
):
    for path in earlier.outputs.glob("*.csv"):
        path.unlink()
    earlier.call("run")
    assert earlier.state() == rescored_home.state()
    assert views_of(earlier) == VIEWS


def test_the_doctor_is_content_with_an_earlier_home_and_changes_nothing(earlier: EngineHome):
    before = earlier.database.read_bytes()
    answer = earlier.call("doctor").result
    found = {one["check"]: one for one in answer["checks"] if one["level"] != "ok"}
    assert found["tables"]["level"] == "warning"
    assert all(name in found["tables"]["what"] for name in VIEWS)
    assert found["tables"]["remedy"].endswith("status")
    assert found["exports"]["level"] == "not checked"
    assert earlier.database.read_bytes() == before


def test_the_first_command_judges_what_an_earlier_version_measured(
    rescored_home: EngineHome, tmp_path: Path
):
    home = rescored_home.copy(tmp_path / "home")
    with duckdb.connect(home.database) as con:
        for name in VERDICTS:
            con.execute(f"drop table {name}")
        for name in ("reason", "total_is_inside", "expected_buyers", "actual_buyers"):
            con.execute(f"alter table marts.drift_report drop column {name}")
        assert missing_verdicts(con) == sorted(VERDICTS)
    assert home.call("status").result == rescored_home.call("status").result
    report = "select * from marts.drift_report order by all"
    assert home.rows(report) == rescored_home.rows(report) != []
    assert home.marts() == rescored_home.marts()


def test_nothing_is_added_before_the_first_batch(new_home: MakeHome):
    home = new_home()
    home.deliver(frame([line("C1", date(2011, 7, 1)), line("C2", date(2011, 7, 2))]))
    home.call("load")
    before = home.database.read_bytes()
    home.call("status")
    assert home.database.read_bytes() == before
    assert views_of(home) == []


def test_a_home_of_today_is_left_alone(rescored_home: EngineHome):
    before = rescored_home.database.stat().st_mtime_ns
    bring_over(Home(rescored_home.root))
    assert rescored_home.database.stat().st_mtime_ns == before


def test_a_home_where_another_command_works_is_not_waited_for(earlier: EngineHome):
    home = Home(earlier.root)
    with locked(home), pytest.raises(LockHeldError):
        bring_over(home)
    with duckdb.connect(earlier.database, read_only=True) as con:
        assert missing_views(con) == VIEWS


def test_somebody_who_may_only_read_is_told_to_ask_the_owner(
    earlier: EngineHome, monkeypatch: pytest.MonkeyPatch
):
    def refuses(_: Home) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(views, "locked", refuses)
    with pytest.raises(EngineError, match="only its owner can add") as refusal:
        bring_over(Home(earlier.root))
    assert "ask the owner" in refusal.value.remedy


# Columns


@pytest.fixture
def without_ages(rescored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """Batches of a version that counted customers as new inside the history window."""
    home = rescored_home.copy(tmp_path_factory.mktemp("ages") / "home")
    with duckdb.connect(home.database) as con:
        con.execute("alter table marts.customer_rfm drop column first_order_date")
        con.execute("alter table marts.customer_rfm drop column customer_age_days")
        con.execute("drop table marts.clv_cluster_behaviour")
    return home


def ages_of(home: EngineHome) -> list[tuple[Any, ...]]:
    return home.rows(
        "select customer_id, cutoff, first_order_date, customer_age_days"
        " from marts.customer_rfm order by all"
    )


def test_first_orders_of_earlier_batches_are_those_that_a_batch_of_today_has(
    rescored_home: EngineHome, without_ages: EngineHome
):
    without_ages.call("status")
    assert ages_of(without_ages) == ages_of(rescored_home)
    assert {row[1] for row in ages_of(without_ages)} >= {CUTOFF, SECOND_CUTOFF, PAST_CUTOFF}


def test_warnings_that_called_old_customers_new_are_gone_until_the_next_batch(
    without_ages: EngineHome,
):
    count = "select count(*) from marts.early_warnings where indicator = 'new_customer_share'"
    assert without_ages.rows(count) != [(0,)]
    without_ages.call("status")
    assert without_ages.rows(count) == [(0,)]
    without_ages.call("run", "--cutoff", SECOND_CUTOFF.isoformat())
    assert without_ages.rows(count) == [(1,)]


def test_the_next_batch_has_the_figures_of_its_clusters(
    rescored_home: EngineHome, without_ages: EngineHome
):
    without_ages.call("run", "--cutoff", SECOND_CUTOFF.isoformat())
    figures = (
        f"select * from marts.clv_cluster_behaviour where cutoff = '{SECOND_CUTOFF}' order by all"
    )
    assert without_ages.rows(figures) == rescored_home.rows(figures)
    assert without_ages.rows(figures)


def test_the_report_of_earlier_batches_says_nothing_of_what_names_mean(without_ages: EngineHome):
    page = without_ages.outputs / "report.html"
    assert 'class="meanings"' in page.read_text(encoding="utf-8")
    without_ages.call("report")
    assert 'class="meanings"' not in page.read_text(encoding="utf-8")


def test_the_doctor_names_what_will_be_added(without_ages: EngineHome):
    answer = without_ages.call("doctor").result
    (found,) = [one for one in answer["checks"] if one["check"] == "tables" and one["remedy"]]
    assert found["level"] == "warning"
    assert "marts.customer_rfm.first_order_date" in found["what"]
    assert "marts.clv_cluster_behaviour" in found["what"]


# Customers of the log and numbers of tiers


@pytest.fixture
def without_customers(
    rescored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory
) -> EngineHome:
    """Batches of a version that had no table of customers and no numbers of tiers."""
    home = rescored_home.copy(tmp_path_factory.mktemp("customers") / "home")
    with duckdb.connect(home.database) as con:
        con.execute("drop view marts.customers")
        con.execute("drop table intermediate.int_customers")
        con.execute("alter table marts.clv_ranked_predictions drop column value_tier_rank")
    return home


def test_the_first_command_adds_customers_and_the_numbers_of_all_tiers(
    rescored_home: EngineHome, without_customers: EngineHome
):
    without_customers.call("status")
    for mart in ("customers", "clv_ranked_predictions", "early_warnings"):
        query = f"select * from marts.{mart} order by all"
        assert without_customers.rows(query) == rescored_home.rows(query) != []


def test_a_home_that_only_loaded_has_its_customers_before_its_first_batch(new_home: MakeHome):
    home = new_home()
    home.deliver(frame([line("C1", date(2011, 7, 1)), line("C2", date(2011, 7, 2))]))
    home.call("load")
    with duckdb.connect(home.database) as con:
        con.execute("drop table intermediate.int_customers")
    home.call("status")
    customers = "select customer_id, order_count from intermediate.int_customers order by all"
    assert home.rows(customers) == [("C1", 1), ("C2", 1)]
    assert views_of(home) == []
