"""What looks wrong in the files is said by load, doctor, status and the report."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from conftest import EngineHome, home_at, transaction_log
from report_pages import Elements, written

from ml.delivery.init import InitOptions, init
from ml.home.layout import Home

MakeHome = Callable[..., EngineHome]
COLUMNS = ["file", "kind", "words", "remedy", "rows_share", "money_share", "example"]


def bad_log() -> pd.DataFrame:
    """One id on a fifth of the lines, and returns that nobody can read."""
    log = transaction_log()
    log.loc[log.index % 5 == 0, "customer_id"] = "<b>guest</b>"
    text = log.quantity.map("{:.0f}".format)
    return log.assign(
        quantity=text.where(log.quantity > 0, (-log.quantity).map("{:.0f} CR-".format))
    )


@pytest.fixture(scope="module")
def doubted_home(tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """A home that loaded a bad log; its answer is in load.json."""
    home = home_at(tmp_path_factory.mktemp("doubted") / "home")
    home.deliver(bad_log(), "log.csv")
    (home.root / "load.json").write_text(home.call("load").stdout)
    return home


@pytest.fixture
def home(doubted_home: EngineHome, tmp_path: Path) -> EngineHome:
    return doubted_home.copy(tmp_path / "home")


def rows(home: EngineHome) -> list[tuple[Any, ...]]:
    return home.rows(f"select {', '.join(COLUMNS)} from marts.data_doubts order by kind")


def test_load_says_what_looks_wrong_and_what_is_not_counted(home: EngineHome):
    answer = home.call("load").result
    said = sorted((tuple(one.values()) for one in answer["doubts"]), key=lambda one: one[1])
    assert said == rows(home)
    assert [one[1] for one in said] == ["one_id_on_many_lines", "refused_returns"]
    assert {one[0] for one in said} == {"warehouse/raw/log.csv"}
    (worth,) = answer["rejected_money"].values()
    assert list(answer["rejected_money"]) == list(answer["rejected"]) == ["unreadable quantity"]
    log = transaction_log()
    returned = log[log.quantity < 0]
    assert worth == pytest.approx((returned.quantity * returned.unit_price).sum())


def test_the_preview_of_init_doubts_what_the_mart_doubts(home: EngineHome, tmp_path: Path):
    options = InitOptions([str(home.raw / "log.csv")], timezone="UTC", currency="USD")
    preview = init(Home(tmp_path / "other"), lambda _: None, options)
    said = [tuple(vars(one)[name] for name in COLUMNS[1:]) for one in preview.doubts]
    assert sorted(said) == [row[1:] for row in rows(home)]


def test_doctor_warns_of_every_doubt_and_fails_of_none(home: EngineHome):
    checks = [one for one in home.call("doctor").result["checks"] if one["check"] == "doubts"]
    assert {one["level"] for one in checks} == {"warning"}
    assert sorted(one["remedy"] for one in checks) == sorted(row[3] for row in rows(home))


def test_status_counts_the_doubts(home: EngineHome):
    assert home.call("status").result["doubts"] == 2


def test_the_report_has_a_section_for_doubts_and_writes_them_as_text(home: EngineHome):
    page = written(home)
    assert "<b>guest</b>" not in page
    said = Elements(page).text("doubts")
    assert 'the customer id "<b>guest</b>" is on ' in said
    assert "2 things look wrong in the delivered files" in said


def test_doubts_go_with_the_file_that_raised_them(home: EngineHome):
    (home.raw / "log.csv").unlink()
    home.deliver(transaction_log(), "better.csv")
    assert home.call("load").result["doubts"] == []
    assert rows(home) == []
    assert "doubts" not in Elements(written(home)).texts
    (check,) = [one for one in home.call("doctor").result["checks"] if one["check"] == "doubts"]
    assert check["level"] == "ok"


def test_a_home_made_before_gets_the_doubts_by_its_first_command(
    doubted_home: EngineHome, home: EngineHome
):
    with duckdb.connect(home.database) as con:
        con.execute("drop table marts.data_doubts")
        con.execute("alter table staging.stg_rejected_transactions drop estimated_amount")
        con.execute("alter table raw.transactions drop currency")
        con.execute("alter table raw.files drop currency")
    levels = {one["check"]: one["level"] for one in home.call("doctor").result["checks"]}
    assert (levels["doubts"], levels["tables"]) == ("not checked", "warning")
    assert home.call("status").result["doubts"] == 2
    assert rows(home) == rows(doubted_home)


def test_a_customer_who_is_forgotten_leaves_mart_and_report(home: EngineHome):
    home.call("report")
    assert "guest" in (home.outputs / "report.html").read_text()
    home.call("forget", "<b>guest</b>")
    assert [row[1] for row in rows(home)] == ["refused_returns"]
    assert "guest" not in (home.outputs / "report.html").read_text()
