"""A lone last day does not move the calendar; what stands on days that are gone is taken back."""

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from conftest import (
    BATCH_MARTS,
    CUTOFF,
    LAST_DAY,
    PAST_CUTOFF,
    SECOND_CUTOFF,
    EngineHome,
    frame,
    line,
    transaction_log,
)
from warm import Death, Step

LONE_DAY = date(2013, 1, 10)
# before the end of the measured window of PAST_CUTOFF, 2011-12-31, and before the training
EARLIER_END = date(2011, 12, 20)
CALL = ("purge", "--beyond-data")


def log_until(day: date) -> pd.DataFrame:
    """The log of the shared homes without the lines after `day`."""
    log = transaction_log()
    return log[log["order_ts"] < str(day + timedelta(days=1))]


@pytest.fixture
def shortened(rescored_home: EngineHome, tmp_path: Path) -> EngineHome:
    """Scored to 2012-03-14 and measured once; the corrected log ends before all of it."""
    home = rescored_home.copy(tmp_path / "shortened")
    home.deliver(log_until(EARLIER_END))
    return home


def outputs(home: EngineHome) -> list[str]:
    """Files of batches, by name."""
    return sorted(path.name for path in home.outputs.glob("*_pred*m.*"))


def batches(home: EngineHome) -> list[date]:
    return [day for (day,) in home.rows("select cutoff from marts.clv_batches order by 1")]


# A lone last day


def test_a_lone_last_day_moves_no_calendar_and_stays_in_the_log(
    scored_home: EngineHome, tmp_path: Path
):
    home = scored_home.copy(tmp_path / "home")
    before, written = home.marts(), outputs(home)
    home.deliver(frame([line("C0001", LONE_DAY, price=99.0)]), "typo.parquet")
    ran = home.call("run").result
    assert (ran["newest_day"], ran["lone_day"]) == (LAST_DAY.isoformat(), LONE_DAY.isoformat())
    assert ran["lone_lines"] == 1
    assert (ran["batches"], ran["measured"], ran["beyond_data"]) == ([], [], None)
    assert outputs(home) == written
    changed = {name for name, rows in home.marts().items() if rows != before[name]}
    assert changed == {"marts.data_doubts"}  # which asks about the day
    assert home.rows("select kind from marts.data_doubts") == [("lone_last_day",)]
    lone = "select net_revenue::double from intermediate.int_customer_days where activity_date = "
    assert home.rows(f"{lone} date '{LONE_DAY}'") == [(99.0,)]


@pytest.mark.parametrize("command", ["run", "train"])
def test_a_cutoff_between_the_data_and_a_lone_day_is_refused_with_words(
    command: str, trained_home: EngineHome, tmp_path: Path
):
    home = trained_home.copy(tmp_path / "home")
    home.deliver(frame([line("C0001", LONE_DAY)]), "typo.parquet")
    refused = home.call(command, "--cutoff", "2012-06-30", expect=4)
    said = f"the data ends on {LAST_DAY} (1 line from {LONE_DAY} on is left aside)"
    assert said in refused.message


def test_a_day_that_more_days_follow_counts(trained_home: EngineHome, tmp_path: Path):
    home = trained_home.copy(tmp_path / "home")
    # the shop opens again after three months, with as many customers as before
    days = [date(2012, 6, 20) + timedelta(days=number) for number in range(14)]
    lines = [line(f"C{number:04}", day) for day in days for number in range(20)]
    home.deliver(frame(lines), "again.parquet")
    assert home.call("load").result["newest_day"] == "2012-07-03"


def test_load_and_status_say_what_was_left_aside(
    new_home: Callable[..., EngineHome], capsys: pytest.CaptureFixture[str]
):
    from ml.home.layout import Home
    from ml.life import commands
    from ml.terminal import messages, status
    from ml.terminal.look import plain_text

    home = new_home()
    home.deliver(transaction_log(customers=60))
    home.deliver(frame([line("C0001", LONE_DAY), line("C0002", LONE_DAY)]), "typo.parquet")
    words = messages.of_load(commands.load(Home(home.root), lambda _: None), "USD")
    said = f"2 lines from {LONE_DAY} on are left aside: too few, and too far behind {LAST_DAY}"
    assert said in words
    assert said in plain_text(status.of_status(commands.status(Home(home.root)), "USD"), width=400)


# Days that are gone


def test_what_stands_on_days_that_are_gone_is_named_and_stays(shortened: EngineHome):
    config, marts, files = shortened.config.read_bytes(), shortened.marts(), outputs(shortened)
    ran = shortened.call("run").result
    beyond = ran["beyond_data"]
    assert beyond["newest_day"] == EARLIER_END.isoformat()
    assert [one["cutoff"] for one in beyond["batches"]] == [str(CUTOFF), str(SECOND_CUTOFF)]
    assert [one["cutoff"] for one in beyond["measurements"]] == [str(PAST_CUTOFF)]
    assert (beyond["last_score_cutoff"], beyond["standing_cutoff"]) == (
        SECOND_CUTOFF.isoformat(),
        PAST_CUTOFF.isoformat(),
    )
    assert beyond["models"] == [ran["model_id"]]
    assert shortened.call("status").result["beyond_data"] == beyond
    found = {one["check"]: one for one in shortened.call("doctor").result["checks"]}
    assert found["days"]["level"] == "warning"
    listed = shortened.call(*CALL, "--dry-run").result
    assert [one["file"] for one in listed["files"]] == beyond["files"]
    assert outputs(shortened) == files
    assert shortened.config.read_bytes() == config
    kept = shortened.marts()
    assert all(kept[f"marts.{name}"] == marts[f"marts.{name}"] for name in BATCH_MARTS)


def test_taking_back_leaves_only_what_the_data_reaches_and_the_days_may_come_back(
    shortened: EngineHome, rescored_home: EngineHome
):
    whole = shortened.raw / "log.parquet"
    ledger = shortened.manifest.read_bytes()
    taken = shortened.call(*CALL).result
    assert batches(shortened) == [PAST_CUTOFF]
    assert f'last_score_cutoff: "{PAST_CUTOFF}"' in shortened.config.read_text()
    assert all(name.rsplit("_", 2)[1] == str(PAST_CUTOFF) for name in outputs(shortened))
    assert not any("actual" in name for name in outputs(shortened))
    assert shortened.rows("select count(*) from marts.drift_report") == [(0,)]
    assert shortened.manifest.read_bytes() == ledger
    with (shortened.outputs.parent / "purge_log.csv").open() as file:
        logged = [(row["file"], row["rule"]) for row in csv.DictReader(file)]
    assert logged == [(one["file"], "beyond-data") for one in taken["files"]]
    again = shortened.call(*CALL).result
    assert again["files"] == again["beyond_data"]["batches"] == []
    assert again["beyond_data"]["models"] == taken["beyond_data"]["models"]

    # the days were only missing: what was taken back is scored, measured and written as before
    whole.write_bytes((rescored_home.raw / "log.parquet").read_bytes())
    shortened.configure(r'last_score_cutoff: "2011-09-30"', "last_score_cutoff:")
    shortened.call("run")
    assert outputs(shortened) == outputs(rescored_home)
    for name in outputs(rescored_home):
        assert (shortened.outputs / name).read_bytes() == (
            rescored_home.outputs / name
        ).read_bytes(), name


def test_a_killed_taking_back_is_completed_by_the_same_command(
    shortened: EngineHome, tmp_path: Path
):
    whole = shortened.copy(tmp_path / "whole")
    done = whole.start(*CALL)
    assert done.finish().code == 0
    steps = [
        step
        for step in done.steps
        if step.event in ("os.rename", "os.remove") and ".dbt" not in step.path
    ]
    assert len(steps) > 10
    for number, step in enumerate(chosen(steps)):
        home = shortened.copy(tmp_path / f"killed-{number}")
        killed = home.start(*CALL, death=Death(step, number % 2 == 1))
        assert killed.finish().code == -9
        home.call(*CALL)
        assert batches(home) == [PAST_CUTOFF], step
        assert outputs(home) == outputs(whole), step
        assert home.config.read_bytes() == whole.config.read_bytes(), step
        assert home.call("status").result["beyond_data"]["files"] == [], step


def chosen(steps: list[Step]) -> list[Step]:
    """The log, the commit, the config, the first and the last removed file."""
    names = ("purge_log.csv", "clv.duckdb", "model_config.yaml", "_pred", "report.html")
    return [next(step for step in steps if name in step.path) for name in names]
