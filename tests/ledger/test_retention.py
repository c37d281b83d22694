"""How long files are kept: the day before and after each limit, and what never goes."""

import csv
import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from batches import create_batches
from conftest import CUTOFF, PRED_MONTHS, EngineHome
from ledger_cards import ledger_card
from pydantic import ValidationError

from ml.home.config import Retention
from ml.home.dates import window_end
from ml.home.errors import EngineError, LockHeldError
from ml.home.layout import Home
from ml.ledger import manifest
from ml.ledger.purge_log import log_path, purged_files, read_log
from ml.ledger.retention import purge
from ml.warehouse import exports
from ml.warehouse.side_copy import locked

MakeHome = Callable[..., EngineHome]
NINE_MONTHS_ON = [  # a day on which a row was written, and the first day its joblib may go
    (date(2020, 1, 10), date(2020, 10, 10)),
    (date(2020, 5, 31), date(2021, 2, 28)),
    (date(2019, 5, 31), date(2020, 2, 29)),
]
LATE = date(2060, 1, 1)


@pytest.fixture
def home(new_home: MakeHome) -> Home:
    """A home with a config and nothing else."""
    return Home(new_home().root)


def enter(home: Home, model_id: str, day: date, kind: str = manifest.TRAINED) -> None:
    """A model of the ledger, entered on `day` just before midnight in UTC."""
    card = ledger_card(model_id, kind=kind, timestamp=f"{day}T23:59:59+00:00")
    manifest.add_model(home, card, f"artefact of {model_id}".encode())


def promoted_on(monkeypatch: pytest.MonkeyPatch, home: Home, model_id: str, day: date) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Clock":
            return cls(day.year, day.month, day.day, tzinfo=tz)

    monkeypatch.setattr(manifest, "datetime", Clock)
    manifest.promote(home, model_id)
    monkeypatch.undo()


def warehouse(home: Home, newest: date, *batches: tuple[date, str], measured: bool | None) -> None:
    """A warehouse of batches (cutoff, model) of 3 months; `measured` None: no drift report."""
    home.warehouse.mkdir(exist_ok=True)
    with duckdb.connect(home.database) as con:
        create_batches(con, newest)
        for number, (cutoff, model_id) in enumerate(batches, start=1):
            batch = [cutoff, 3, model_id, "champion", window_end(cutoff, 3)]
            con.execute(
                "insert into marts.clv_batches (cutoff, pred_months, model_id, role, window_end)"
                " values (?, ?, ?, ?, ?)",
                batch,
            )
            con.execute("insert into marts.champion_manifest values (?, ?)", [model_id, number])
        if measured is not None:
            con.execute(
                f"create table marts.drift_report as select cutoff, model_id from marts.clv_batches"
                f" where {measured}"
            )


def export(home: Home, cutoff: date) -> list[str]:
    """The files of a batch, by name."""
    paths = exports.export_paths(home, exports.Batch(cutoff, 3, "OLD"))
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    return sorted(home.relative(path) for path in paths)


def purged(home: Home, today: date, *, dry_run: bool = False) -> list[str]:
    """The files a purge on `today` names, by name."""
    answer = purge(home, lambda _: None, today, dry_run=dry_run)
    return sorted(one.file for one in answer.files)


def joblib_of(model_id: str) -> str:
    return f"warehouse/models/clv_model_{model_id}.joblib"


def cards_of(model_id: str) -> list[str]:
    """The card and its page for people."""
    return [f"warehouse/models/cards/{model_id}.{ending}" for ending in ("json", "md")]


def day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


# Artefacts


@pytest.mark.parametrize(("written", "limit"), NINE_MONTHS_ON)
def test_an_artefact_goes_nine_months_after_its_row_and_not_a_day_before(
    home: Home, written: date, limit: date
):
    enter(home, "OLD", written)
    enter(home, "CHAMPION", limit)
    assert purged(home, day_before(limit)) == []
    assert purged(home, limit) == [joblib_of("OLD")]
    assert not (home.root / joblib_of("OLD")).exists()
    assert purged(home, limit) == []


def test_the_newest_row_of_a_model_counts(home: Home, monkeypatch: pytest.MonkeyPatch):
    enter(home, "OLD", date(2020, 1, 1))
    enter(home, "CHAMPION", date(2020, 2, 1))
    promoted_on(monkeypatch, home, "OLD", date(2020, 6, 1))
    promoted_on(monkeypatch, home, "CHAMPION", date(2020, 6, 2))
    assert purged(home, date(2021, 2, 28)) == []
    assert purged(home, date(2021, 3, 1)) == [joblib_of("OLD")]


def test_the_champion_keeps_artefact_and_card_for_ever(home: Home):
    enter(home, "CHAMPION", date(2020, 1, 1))
    assert purged(home, LATE) == []


def test_the_challenger_in_use_is_kept_and_one_that_is_not_goes(home: Home):
    enter(home, "FORMER", date(2020, 1, 1))
    enter(home, "BEATEN", date(2020, 1, 2), manifest.CHALLENGER)
    enter(home, "CHAMPION", date(2020, 1, 3))
    enter(home, "REPLACED", date(2020, 1, 4), manifest.CHALLENGER)
    enter(home, "CHALLENGER", date(2020, 1, 5), manifest.CHALLENGER)
    gone = [joblib_of(model) for model in ("BEATEN", "FORMER", "REPLACED")]
    assert purged(home, date(2022, 1, 1)) == gone


def test_an_artefact_is_kept_until_the_windows_of_its_batches_have_matured(home: Home):
    enter(home, "OLD", date(2020, 1, 1))
    enter(home, "CHAMPION", date(2020, 1, 2))
    # the label window ends on 2020-09-30
    warehouse(home, date(2020, 9, 29), (date(2020, 6, 30), "OLD"), measured=None)
    assert purged(home, LATE) == []
    with duckdb.connect(home.database) as con:
        con.execute(
            "update intermediate.int_day_fingerprints set activity_date = date '2020-09-30'"
        )
    assert purged(home, date(2022, 1, 1)) == [joblib_of("OLD")]


def test_scoring_with_a_purged_artefact_says_reproduce(home: Home):
    enter(home, "OLD", date(2020, 1, 1))
    enter(home, "CHAMPION", date(2020, 1, 2))
    purged(home, date(2022, 1, 1))
    with pytest.raises(EngineError, match=r"missing; .*reproduce OLD"):
        manifest.load_artefact(home, "OLD")


# Cards and the manifest


def test_a_card_goes_seven_years_after_its_row_and_the_manifest_is_never_shortened(home: Home):
    enter(home, "OLD", date(2020, 2, 29))
    enter(home, "CHAMPION", date(2020, 3, 1))
    before = manifest.manifest_path(home).read_bytes()
    assert purged(home, date(2027, 2, 27)) == [joblib_of("OLD")]
    assert purged(home, date(2027, 2, 28)) == cards_of("OLD")
    assert manifest.manifest_path(home).read_bytes() == before
    assert len(manifest.read_manifest(home)) == 2


def test_a_card_is_kept_while_its_artefact_is(home: Home):
    enter(home, "OLD", date(2020, 1, 1))
    enter(home, "CHAMPION", date(2020, 1, 2))
    warehouse(home, date(2020, 9, 29), (date(2020, 6, 30), "OLD"), measured=None)
    assert purged(home, LATE) == []
    home.database.unlink()
    assert purged(home, LATE) == [*cards_of("OLD"), joblib_of("OLD")]


def test_a_purged_card_is_accepted_and_a_lost_one_is_not(home: Home):
    enter(home, "OLD", date(2020, 1, 1))
    enter(home, "CHAMPION", date(2020, 1, 2))
    purged(home, date(2027, 1, 1))
    old, champion = manifest.read_manifest(home)
    manifest.check_card(home, old)
    manifest.card_path(home, "CHAMPION").unlink()
    with pytest.raises(EngineError, match="CHAMPION"):
        manifest.check_card(home, champion)
    text = log_path(home).read_text()
    log_path(home).write_text(text.replace(old.fields["card_sha256"], "0" * 64))
    with pytest.raises(EngineError, match="OLD"):
        manifest.check_card(home, old)


@pytest.mark.parametrize(
    "limits", [{"ledger_years": 6}, {"model_months": 0}, {"outputs_months": 0}, {"model_month": 9}]
)
def test_limits_below_what_is_promised_are_refused(limits: dict[str, int]):
    with pytest.raises(ValidationError):
        Retention(**limits)


# Batch files


def test_batch_files_go_24_months_after_the_end_of_their_measured_window(home: Home):
    cutoff = date(2020, 5, 31)  # the label window ends on 2020-08-31
    for newest, is_over in [(date(2022, 8, 30), False), (date(2022, 8, 31), True)]:
        home.database.unlink(missing_ok=True)
        warehouse(home, newest, (cutoff, "OLD"), measured=True)
        files = export(home, cutoff)
        (home.outputs / "clv_predictions_2020-05-30_pred3m.csv").write_text("of no batch")
        # the clock of the wall does not count
        assert purged(home, LATE) == (files if is_over else [])
    assert [path.name for path in home.outputs.iterdir()] == [
        "clv_predictions_2020-05-30_pred3m.csv"
    ]


@pytest.mark.parametrize("measured", [False, None])
def test_batch_files_that_were_not_measured_are_kept(home: Home, measured: bool | None):
    warehouse(home, LATE, (date(2020, 5, 31), "OLD"), measured=measured)
    export(home, date(2020, 5, 31))
    assert purged(home, LATE) == []


def test_a_purged_batch_file_is_not_made_again_by_a_run(scored_home: EngineHome, tmp_path: Path):
    home = scored_home.copy(tmp_path / "home")
    name = f"warehouse/outputs/clv_clusters_{CUTOFF}_pred{PRED_MONTHS}m.csv"
    log = "timestamp,file,sha256,rule\n"
    log += f"2012-03-20T00:00:00+00:00,{name},{'0' * 64},outputs_months=24\n"
    log_path(Home(home.root)).write_text(log)
    (home.root / name).unlink()
    assert home.call("run").result["exports"] == []
    assert not (home.root / name).exists()


# The log


def test_every_removal_stands_in_the_log_with_its_sha256_and_rule(home: Home):
    enter(home, "OLD", date(2020, 1, 1))
    enter(home, "CHAMPION", date(2020, 1, 2))
    cards = [(home.root / name).read_bytes() for name in cards_of("OLD")]
    purged(home, date(2021, 1, 1))
    before = log_path(home).read_text()
    purged(home, date(2027, 1, 1))
    assert log_path(home).read_text().startswith(before)
    with log_path(home).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["sha256"], row["rule"]) for row in rows] == [
        (joblib_of("OLD"), hashlib.sha256(b"artefact of OLD").hexdigest(), "model_months=9"),
        *(
            (name, hashlib.sha256(content).hexdigest(), "ledger_years=7")
            for name, content in zip(cards_of("OLD"), cards, strict=True)
        ),
    ]
    assert all(datetime.fromisoformat(row["timestamp"]).utcoffset() is not None for row in rows)


def test_a_dry_run_lists_the_same_files_and_removes_nothing(home: Home):
    enter(home, "OLD", date(2020, 1, 1))
    enter(home, "CHAMPION", date(2020, 1, 2))
    state = EngineHome(home.root).state()
    listed = purged(home, date(2027, 1, 1), dry_run=True)
    assert EngineHome(home.root).state() == state
    assert not log_path(home).exists()
    assert purged(home, date(2027, 1, 1)) == listed == [*cards_of("OLD"), joblib_of("OLD")]


@pytest.mark.parametrize("removed_before_the_kill", [0, 1])
def test_a_kill_between_log_and_removal_is_finished_by_the_next_purge(
    home: Home, monkeypatch: pytest.MonkeyPatch, removed_before_the_kill: int
):
    enter(home, "OLD", date(2020, 1, 1))
    enter(home, "CHAMPION", date(2020, 1, 2))
    unlink, removed = Path.unlink, list[Path]()

    def killed(path: Path, missing_ok: bool = False) -> None:
        if "OLD" in path.name:
            if len(removed) == removed_before_the_kill:
                raise KeyboardInterrupt
            removed.append(path)
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "unlink", killed)
        purged(home, date(2027, 1, 1))
    log = read_log(home)
    files = [*cards_of("OLD"), joblib_of("OLD")]
    assert sorted(removal.file for removal in log) == files
    left = [name for name in files if (home.root / name).exists()]
    assert len(left) == len(files) - removed_before_the_kill
    assert purged(home, date(2027, 1, 1)) == left
    assert read_log(home) == log
    assert [name for name in files if (home.root / name).exists()] == []


def test_a_file_that_came_back_and_went_again_stands_in_the_log_twice(home: Home):
    enter(home, "OLD", date(2020, 1, 1))
    enter(home, "CHAMPION", date(2020, 1, 2))
    content = (home.root / joblib_of("OLD")).read_bytes()
    purged(home, date(2021, 1, 1))
    (home.root / joblib_of("OLD")).write_bytes(content)
    purged(home, date(2021, 1, 1))
    assert [removal.file for removal in read_log(home)] == [joblib_of("OLD")] * 2
    assert purged_files(home) == {home.root / joblib_of("OLD")}


def test_a_broken_line_of_the_log_is_named(home: Home):
    enter(home, "OLD", date(2020, 1, 1))
    enter(home, "CHAMPION", date(2020, 1, 2))
    purged(home, date(2021, 1, 1))
    log_path(home).write_text(log_path(home).read_text() + "yesterday,x,y,z\n")
    with pytest.raises(EngineError, match=r"purge_log\.csv: row 2"):
        purged(home, date(2021, 1, 1))


# The command


def test_a_purge_waits_for_nobody(home: Home):
    with locked(home), pytest.raises(LockHeldError):
        purge(home, lambda _: None, LATE)


def test_the_command_on_a_home_where_everything_is_young(scored_home: EngineHome):
    before = scored_home.state()
    result = json.loads(scored_home.call("purge", "--dry-run").stdout)
    assert (result["files"], result["dry_run"]) == ([], True)
    assert scored_home.state() == before
