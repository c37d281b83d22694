"""dbt as an analyst calls it: one cutoff rebuilt with the champion, anything else refused."""

import json
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from conftest import (
    LAST_DAY,
    PAST_CUTOFF,
    PROJECT,
    REPOSITORY,
    EngineHome,
    environment,
    frame,
    line,
)
from dbt_calls import dbt, outcomes_of

NEW_CUTOFF = date(2011, 10, 31)


@pytest.fixture(scope="module")
def home(rescored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """A home that the tests of this file build in, one after the other."""
    return rescored_home.copy(tmp_path_factory.mktemp("plain") / "home")


def models_of(home: EngineHome) -> dict[str, bytes]:
    """Everything in warehouse/models."""
    folder = home.manifest.parent
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What it builds


def test_dbt_build_in_the_project_rebuilds_a_cutoff_and_doubles_no_row(home: EngineHome):
    before, models = home.marts(), models_of(home)
    done = dbt(home, PROJECT, "build", "--vars", f"{{cutoff: {PAST_CUTOFF}}}")
    assert done.returncode == 0, done.stdout
    assert home.marts() == before
    assert models_of(home) == models


def test_dbt_build_from_the_root_adds_a_cutoff_once_and_never_trains(home: EngineHome):
    models, config = models_of(home), home.config.read_bytes()
    counts = []
    for _ in range(2):
        done = dbt(home, REPOSITORY, "build", "--vars", f"{{cutoff: {NEW_CUTOFF}}}")
        assert done.returncode == 0, done.stdout
        assert "clv_champion" not in done.stdout
        counts.append(home.marts())
    assert counts[0] == counts[1]
    ((customers, rows),) = home.rows(
        "select count(distinct customer_id), count(*) from marts.clv_predictions"
        f" where cutoff = '{NEW_CUTOFF}'"
    )
    assert customers == rows > 100
    assert models_of(home) == models
    assert home.config.read_bytes() == config


def test_the_engine_scores_the_same_as_dbt_alone(home: EngineHome, tmp_path: Path):
    copy = home.copy(tmp_path / "home")
    before = copy.marts()
    assert f"{NEW_CUTOFF}" not in "".join(path.name for path in copy.outputs.iterdir())
    copy.call("run", "--cutoff", NEW_CUTOFF.isoformat())
    assert copy.marts() == before
    assert f"{NEW_CUTOFF}" in "".join(path.name for path in copy.outputs.iterdir())


def test_unit_tests_of_the_models_run_without_a_cutoff(home: EngineHome):
    done = dbt(home, PROJECT, "test", "--select", "test_type:unit")
    assert done.returncode == 0, done.stdout
    assert " ERROR=0 " in done.stdout
    assert "PASS=0" not in done.stdout


# What it refuses


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--vars", "{cutof: 2011-09-30}"], 'not "cutof"'),
        (["--vars", "{cutoff: 2011-9-30}"], "not a day"),
    ],
    ids=["misspelt", "malformed"],
)
def test_a_call_without_a_right_cutoff_stops_before_any_model(
    home: EngineHome, given: list[str], words: str
):
    before = home.database.read_bytes()
    done = dbt(home, PROJECT, "build", *given)
    assert done.returncode == 2, done.stdout
    assert words in done.stdout
    assert "{cutoff: 2011-06-30}" in done.stdout
    assert "OK created" not in done.stdout
    assert home.database.read_bytes() == before


def test_a_cutoff_after_the_data_stops_before_any_model(home: EngineHome):
    before = home.database.read_bytes()
    done = dbt(home, PROJECT, "build", "--vars", f"{{cutoff: {LAST_DAY + timedelta(days=1)}}}")
    assert done.returncode == 2, done.stdout
    assert f"the data ends on {LAST_DAY}" in done.stdout
    assert home.database.read_bytes() == before


def test_a_full_refresh_keeps_what_was_predicted_and_measured(home: EngineHome):
    tables = ("marts.clv_batches", "marts.drift_report", "intermediate.int_matured_windows")
    keys = [f"select cutoff, model_id from {table} order by all" for table in tables]
    before = [home.rows(key) for key in keys]
    assert len(before[0]) > 1
    done = dbt(home, PROJECT, "build", "--full-refresh", "--vars", f"{{cutoff: {PAST_CUTOFF}}}")
    assert done.returncode == 0, done.stdout
    assert [home.rows(key) for key in keys] == before


def test_a_day_that_the_calendar_does_not_have_stops_before_any_model(home: EngineHome):
    before = home.database.read_bytes()
    done = dbt(home, PROJECT, "build", "--vars", "{cutoff: 2011-02-30}")
    # YAML reads it as a day and fails; quoted, it reaches our own check (HOSTILE)
    assert done.returncode != 0
    assert "day is out of range" in done.stdout + done.stderr
    assert home.database.read_bytes() == before


HOSTILE = [
    {"cutoff": text}
    for text in (
        "2011-09-30'; drop table marts.clv_predictions; --",
        "2011-09-30' as date), (select 1)) --",
        "' or 1=1 --",
        '2011-09-30"',
        "2011-09-30;",
        "2011-09-30\n",
        "2011-09-30\x00",
        " 2011-09-30",
        "2011-9-30",
        "20110930",
        "2011/09/30",
        "2011-09-30T00:00:00",
        "30-09-2011",
        "2011-02-30",
        "2011-09-31",
        "1900-02-29",
        "0000-01-01",
        "２０１１-09-30",
        "../../2011-09-30",
        "{{ env_var('HOME') }}",
        "{% do run_query('drop schema marts cascade') %}",
        "{{ cutoff_date() }}",
        "current_date",
        "None",
        "",
    )
] + [
    {"cutoff": None},
    {"cutoff": True},
    {"cutoff": 20110930},
    {"cutoff": ["2011-09-30"]},
    {"cutoff": {"day": "2011-09-30"}},
    {"Cutoff": "2011-09-30"},
    {"cutoff": "2011-09-30", "model_id": "x"},
    {"cutoff ": "2011-09-30"},
    {"x'; drop table y; --": 1},
    {},
]
# texts that YAML reads on its own
HOSTILE_YAML = [
    "{cutoff: !!python/object/apply:os.system [id]}",
    "cutoff",
    "{cutoff: 2011-09-30",
    "[cutoff]",
    "{cutoff: 2011-09-30 10:00:00}",
    "&a {cutoff: *a}",
]
SELECTIONS = [
    ["run", "--select", "clv_predictions"],
    ["run", "--select", "+clv_ranked_predictions"],
    ["build", "--select", "int_customer_days", "--vars", "{cutoff: tomorrow}"],
]


def test_hostile_vars_are_refused_before_any_model(home: EngineHome):
    before = home.database.read_bytes()
    outside = sorted(path.name for path in home.root.parent.iterdir())
    calls = [["build", "--vars", json.dumps(given)] for given in HOSTILE]
    calls += [["build", "--vars", text] for text in HOSTILE_YAML]
    calls += SELECTIONS
    outcomes = outcomes_of(home, calls)
    assert len(outcomes) == len(calls) > 40
    taken = [
        (call, outcome.built, outcome.words)
        for call, outcome in zip(calls, outcomes, strict=True)
        if outcome.success or outcome.built
    ]
    assert taken == []
    assert home.database.read_bytes() == before
    assert sorted(path.name for path in home.root.parent.iterdir()) == outside


def test_dbt_without_a_champion_says_what_to_do(home: EngineHome, tmp_path: Path):
    copy = home.copy(tmp_path / "home")
    shutil.rmtree(copy.manifest.parent)
    done = dbt(copy, PROJECT, "build", "--vars", f"{{cutoff: {PAST_CUTOFF}}}")
    assert done.returncode == 1
    assert "no champion yet" in done.stdout
    assert "orchestrate.py train" in done.stdout
    assert copy.marts() == home.marts()


def test_the_engine_takes_nothing_of_dbt_from_the_environment(home: EngineHome, tmp_path: Path):
    before = home.marts()
    settings = {"DBT_TARGET": "prod", "DBT_PROFILE": "x", "DBT_DEFER": "1", "DBT_EMPTY": "1"}
    settings |= {"DBT_RESOURCE_TYPES": "model", "DBT_TARGET_PATH": str(tmp_path / "elsewhere")}
    home.deliver(frame([line("C0001", LAST_DAY)]), "one_more.csv")
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "orchestrate.py"), "--home", str(home.root), "run",
         "--cutoff", str(PAST_CUTOFF)],
        capture_output=True,
        text=True,
        env=environment(**settings),
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {name: rows.split()[0] for name, rows in home.marts().items()} == {
        name: rows.split()[0] for name, rows in before.items()
    }
    assert not (tmp_path / "elsewhere").exists()
