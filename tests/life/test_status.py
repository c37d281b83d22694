"""`status`: the state of a home at a glance, on a terminal, in a pipe and as JSON."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import LAST_DAY, EngineHome, environment
from rich.console import Console
from warm import PROGRAM

from ml.alerts import alerts, deliveries
from ml.home.config import Alerts, Config, Jira, load_config
from ml.home.layout import Home
from ml.life import commands
from ml.life.answers import EarlyWarning, Measurement, StatusAnswer
from ml.terminal.look import plain_text
from ml.terminal.status import SHOWN_WARNINGS, of_status
from ml.warehouse.exports import Batch
from ml.warehouse.side_copy import open_warehouse


def found_in(home: EngineHome, **changes: Any) -> StatusAnswer:
    return replace(commands.status(Home(home.root)), **changes)


def warning(level: str, cutoff: date, reason: str, model_id: str = "M") -> EarlyWarning:
    return EarlyWarning(cutoff, model_id, "score_shift", "", 0.3, level, reason)


def model_of(answer: StatusAnswer) -> str:
    assert answer.champion is not None
    return answer.champion.model_id


def last_measured(answer: StatusAnswer) -> Measurement:
    assert answer.last_measured is not None
    return answer.last_measured


def test_status_says_champion_ledger_data_and_when_the_next_cutoff_is_due(
    scored_home: EngineHome,
):
    found = found_in(scored_home)
    text = plain_text(of_status(found, "USD"))
    assert model_of(found) in text
    assert "1 row(s), intact" in text
    assert "2010-07-15 to 2012-03-20" in text
    assert "2012-03-28, when the data reaches that day, 8 more days" in text


def test_open_windows_say_how_far_they_are(scored_home: EngineHome):
    rows = plain_text(of_status(found_in(scored_home), "USD")).splitlines()
    (first,) = [row.split() for row in rows if row.startswith("2012-02-29")]
    assert first[1:3] == ["2012-05-31", str((date(2012, 5, 31) - LAST_DAY).days)]


def test_a_due_cutoff_is_said(scored_home: EngineHome):
    found = found_in(scored_home, newest_day=date(2012, 3, 28))
    assert "2012-03-28 is due; the next `run` scores it" in plain_text(of_status(found, "USD"))


def test_without_champion_or_data_it_says_what_to_type(new_home: Any):
    home = new_home()
    text = plain_text(of_status(found_in(home), "USD"))
    assert "orchestrate.py train" in text
    assert "orchestrate.py load" in text


def test_the_last_verdict_and_the_worst_warnings_come_first(rescored_home: EngineHome):
    cutoff = date(2012, 2, 29)
    model_id = model_of(found_in(rescored_home))
    warnings = [warning("watch", cutoff, f"reason {n}", model_id) for n in range(SHOWN_WARNINGS)]
    warnings += [warning("alarm", cutoff, "the worst", model_id)]
    found = found_in(rescored_home, early_warnings=warnings)
    text = plain_text(of_status(found, "USD"))
    assert f"{last_measured(found).verdict}, window of 2011-09-30 over 3 months" in text
    assert text.index("the worst") < text.index("reason 0")
    assert f"reason {SHOWN_WARNINGS - 1}" not in text
    assert "1 more in marts.early_warnings" in text
    assert f"1 alarm, {SHOWN_WARNINGS} watch" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_the_terminal(rescored_home: EngineHome, width: int):
    warnings = [warning("alarm", date(2012, 2, 29), "long reason " * 20)]
    text = plain_text(of_status(found_in(rescored_home, early_warnings=warnings), "USD"), width)
    assert max(len(row) for row in text.splitlines()) <= width


def test_a_terminal_gets_colours_and_a_pipe_none(rescored_home: EngineHome):
    message = of_status(found_in(rescored_home), "USD")
    terminal = Console(force_terminal=True, width=100, color_system="standard", _environ={})
    with terminal.capture() as capture:
        terminal.print(message)
    assert "\x1b[" in capture.get()
    done = subprocess.run(
        [sys.executable, PROGRAM, "--home", str(rescored_home.root), "status"],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
        timeout=60,
    )
    assert "\x1b" not in done.stdout
    assert done.stdout.strip() == plain_text(message)


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
def test_streams_that_the_caller_closed_lead_to_nowhere(
    rescored_home: EngineHome, closed: list[int]
):
    call = [sys.executable, PROGRAM, "--home", str(rescored_home.root), "status"]
    redirections = " ".join(f"{number}>&-" for number in closed)
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", *call],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ("Status" in done.stdout) == (1 not in closed)


def test_a_terminal_without_our_signs_gets_others_and_json_is_utf8(
    rescored_home: EngineHome, tmp_path: Path
):
    home = rescored_home.copy(tmp_path / "Müller")
    call = [sys.executable, PROGRAM, "--home", str(home.root)]
    ascii_only = environment(PYTHONIOENCODING="ascii")
    page = subprocess.run([*call, "status"], capture_output=True, env=ascii_only, timeout=60)
    assert page.returncode == 0, page.stderr
    assert b"???" in page.stdout and page.stdout.isascii()
    written = subprocess.run(
        [*call, "--json", "doctor"], capture_output=True, env=ascii_only, timeout=60
    )
    assert "Müller" in json.dumps(json.loads(written.stdout), ensure_ascii=False)


def test_an_alert_that_was_not_delivered_is_told_until_it_is(
    rescored_home: EngineHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = rescored_home.copy(tmp_path / "home")
    config = load_config(Home(home.root))
    jira = Jira(url="https://jira.example.com", project="CLV")
    asked = Config.model_validate(config.model_copy(update={"alerts": Alerts(jira=jira)}))
    last = replace(last_measured(found_in(home)), verdict="drift")
    monkeypatch.setattr(alerts, "measurements", lambda _: [vars(last)])
    with open_warehouse(Home(home.root)) as con:
        assert alerts.undelivered(con, Home(home.root), config) == []
        (owed,) = alerts.undelivered(con, Home(home.root), asked)
        assert owed.missing == ["Jira ticket"]
        shown = plain_text(of_status(found_in(home, undelivered_alerts=[owed]), "USD"))
        assert "Alerts not delivered" in shown
        assert "Jira ticket" in shown
        batch = Batch(last.cutoff, last.pred_months, last.model_id)
        window = deliveries.AlertWindow(batch.cutoff, batch.pred_months, "", "")
        label = deliveries.Alert(batch.model_id, (window,)).fingerprint(window)
        state = home.root / "warehouse" / "alerts.json"
        state.write_text(json.dumps({label: {"ticket": "CLV-1"}}))
        assert alerts.undelivered(con, Home(home.root), asked) == []
