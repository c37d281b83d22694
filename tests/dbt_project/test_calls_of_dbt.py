"""Every call of dbt that an analyst may type: it publishes right marts, or leaves them alone.

The calls stand in tables: what is typed, and what dbt does. `NEW` is a cutoff that is not scored,
`PAST_CUTOFF` one that is.
"""

import ctypes
import os
import signal
import subprocess
from datetime import date
from pathlib import Path

import duckdb
import pytest
from conftest import LAST_DAY, PAST_CUTOFF, PROJECT, REPOSITORY, EngineHome, environment
from dbt_calls import DBT, Outcome, dbt, outcomes_of, places

NEW = date(2011, 10, 31)
OF_NEW = ["--vars", f"{{cutoff: {NEW}}}"]
OF_PAST = ["--vars", f"{{cutoff: {PAST_CUTOFF}}}"]
BATCH_MARTS = (
    "clv_batches",
    "clv_cluster_behaviour",
    "clv_cluster_ranking",
    "clv_clusters",
    "clv_drivers",
    "clv_predictions",
    "clv_ranked_predictions",
    "customer_rfm",
)
PART = "a batch is built as a whole: write dbt build --vars '{cutoff: 2011-10-31}'"
UNTESTED = "a batch is published only after its data tests: write dbt build --vars"
HOLLOW = "--empty and --sample would write tables with lines missing; leave them out"
WHICH = "are scored, 2011-09-30 to 2012-03-14; the next is 2012-03-28"
READ_ONLY = "read-only"

# what is typed -> what the refusal says
REFUSED = {
    **{("build", "--select", mart, *OF_NEW): PART for mart in BATCH_MARTS},
    ("run", "--select", "clv_clusters", *OF_NEW): PART,
    ("build", "--select", "+clv_predictions", *OF_NEW): PART,
    ("build", "--select", "clv_predictions+", *OF_NEW): PART,
    ("build", "--select", "+clv_predictions+", *OF_NEW): PART,
    ("build", "--select", "marts", *OF_NEW): PART,
    ("build", "--select", "path:models/marts", *OF_NEW): PART,
    ("build", "--select", "config.schema:marts", *OF_NEW): PART,
    ("build", "--exclude", "clv_drivers", *OF_NEW): PART,
    ("build", "--exclude", "tag:monitor", "path:models/intermediate", *OF_NEW): PART,
    ("build", "--empty", *OF_NEW): HOLLOW,
    ("build", "--sample", "1 day", *OF_NEW): HOLLOW,
    ("run", "--empty", "--select", "int_customer_days"): HOLLOW,
    ("run", *OF_NEW): UNTESTED,
    ("build", "--resource-type", "model", *OF_NEW): UNTESTED,
    ("build", "--exclude-resource-type", "test", *OF_NEW): UNTESTED,
    ("build", "--exclude", "test_type:data", "tag:training", *OF_NEW): UNTESTED,
    ("build",): WHICH,
    ("run",): WHICH,
    ("build", "--vars", "{cutof: 2011-10-31}"): 'not "cutof"',
    ("build", "--vars", "{cutoff: '2011-02-30'}"): "the cutoff is not a day",
    ("build", "--vars", "{cutoff: 2001-01-31}"): "the data begins on 2010-07-15",
    ("build", "--vars", "{cutoff: 2031-01-31}"): f"the data ends on {LAST_DAY}",
    ("test", *OF_NEW): f"{NEW} is not scored",
    ("clone", "--state", "STATE"): READ_ONLY,
    ("clone", "--state", "STATE", "--full-refresh"): READ_ONLY,
    ("show", "--inline", "create table marts.x as select 1 as y"): "Parser Error",
}
# what only reads, or finds nothing to build; what is said
READ = {
    ("test",): "the newest scored batch is tested: '2012-03-14'",
    ("test", *OF_PAST): "",
    ("test", "--select", "clv_predictions"): "",
    ("test", "--select", "test_type:unit"): "",
    ("test", "--selector", "views"): "",
    ("show", "--select", "clv_predictions"): "predicted_clv",
    ("show", "--select", "who_to_call_this_week"): "customer_id",
    ("show", "--inline", "select count(*) as n from {{ ref('clv_batches') }}"): "n",
    ("compile",): "",
    ("compile", "--select", "movers_between_tiers"): "",
    ("ls",): "",
    ("ls", "--select", "marts"): "",
    ("docs", "generate"): "",
    ("source", "freshness"): "",
    ("parse",): "",
    ("seed",): "",
    ("snapshot",): "",
    ("run-operation", "cutoff_date"): "",
    ("build", "--select", "state:modified", "--state", "STATE", *OF_NEW): "Nothing to do",
}
# what publishes; every mart of another cutoff stays as it was
BUILT = [
    ("build", *OF_NEW),
    ("build", "--full-refresh", *OF_NEW),
    ("build", "--fail-fast", "--threads", "4", *OF_PAST),
    ("build", "--selector", "batch", *OF_NEW),
    ("build", "--selector", "monitor"),
    ("build", "--select", "tag:load"),
    ("build", "--select", "drift_report", "early_warnings"),
]


@pytest.fixture(scope="module")
def home(rescored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """A home that no call of the tables may change."""
    return rescored_home.copy(tmp_path_factory.mktemp("calls") / "home")


@pytest.fixture(scope="module")
def state(home: EngineHome) -> Path:
    """The artefacts of an earlier dbt command, for `--state`."""
    folder = home.root.parent / "state"
    done = subprocess.run(
        [str(DBT), "compile", "--target-path", str(folder), "--log-path", str(folder)],
        cwd=PROJECT,
        env=environment(CLV_HOME=str(home.root), DO_NOT_TRACK="1"),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    return folder


def typed(call: tuple[str, ...], state: Path) -> list[str]:
    return [str(state) if word == "STATE" else word for word in call]


def test_the_tables_have_at_least_forty_calls():
    assert len(REFUSED) + len(READ) + len(BUILT) >= 40


def test_a_call_that_cannot_be_meant_is_refused_before_any_model_in_words(
    home: EngineHome, state: Path
):
    calls = list(REFUSED)
    outcomes = outcomes_of(home, [typed(call, state) for call in calls])
    for call, outcome in zip(calls, outcomes, strict=True):
        assert (outcome.success, outcome.built, outcome.published) == (False, [], False), call
        assert REFUSED[call] in outcome.words, (call, outcome.words)


def test_a_call_that_reads_changes_nothing(home: EngineHome, state: Path):
    before = home.database.read_bytes()
    outcomes = outcomes_of(home, [typed(call, state) for call in READ])
    for (call, words), outcome in zip(READ.items(), outcomes, strict=True):
        assert outcome.success, (call, outcome.words)
        assert words in outcome.words, call
    assert home.database.read_bytes() == before


def test_dbt_and_status_name_the_same_next_cutoff(home: EngineHome, tmp_path: Path):
    copy = home.copy(tmp_path / "home")
    for last in ('"2012-03-14"', "null"):
        copy.configure("last_score_cutoff: [^ #]+", f"last_score_cutoff: {last}")
        upcoming = copy.call("status").result["next_cutoff"]
        (refused,) = outcomes_of(copy, [["build"]])
        assert f"the next is {upcoming}," in refused.words


def test_what_is_built_is_whole_and_leaves_every_other_batch_as_it_was(
    home: EngineHome, tmp_path: Path
):
    copy = home.copy(tmp_path / "home")
    before = batches(copy)
    assert NEW not in {cutoff for _, cutoff in before}
    for call, outcome in zip(BUILT, outcomes_of(copy, [list(call) for call in BUILT]), strict=True):
        assert (outcome.success, outcome.published) == (True, True), (call, outcome.words)
    after = batches(copy)
    assert {batch: rows for batch, rows in after.items() if batch[1] != NEW} == before
    counts = {rows[0] for (mart, cutoff), rows in after.items() if cutoff == NEW and counted(mart)}
    assert len(counts) == 1
    (checked,) = [
        check for check in copy.call("doctor").result["checks"] if check["check"] == "marts"
    ]
    assert checked["level"] == "ok"


def counted(mart: str) -> bool:
    """Whether a mart has one row per customer of a batch."""
    return mart in {"clv_predictions", "clv_ranked_predictions", "clv_clusters", "customer_rfm"}


def batches(home: EngineHome) -> dict[tuple[str, date], tuple[int, int]]:
    """Number of rows and a hash of them, for every mart of batches and cutoff."""
    return {
        (mart, cutoff): (rows, digest)
        for mart in (*BATCH_MARTS, "clv_predictions_actual")
        for cutoff, rows, digest in home.rows(
            f"select cutoff, count(*), bit_xor(hash(one)) from marts.{mart} as one group by cutoff"
        )
    }


# Builds that do not end well


@pytest.fixture
def doubled(home: EngineHome, tmp_path: Path) -> EngineHome:
    """A home in which a data test of every full build fails."""
    copy = home.copy(tmp_path / "doubled")
    with duckdb.connect(copy.database) as con:
        con.execute("insert into marts.clv_predictions_actual from marts.clv_predictions_actual")
    return copy


def test_a_build_with_a_failed_test_publishes_nothing_and_says_so(doubled: EngineHome):
    calls = [["build", *OF_NEW], ["build", "--fail-fast", *OF_NEW]]
    for outcome in outcomes_of(doubled, calls):
        assert isinstance(outcome, Outcome)
        assert (outcome.success, outcome.published) == (False, False)
        assert "Nothing is published: unique_combination_clv_predictions_actual" in outcome.words
        assert "clv_predictions" in outcome.built
    done = dbt(doubled, PROJECT, "build", *OF_NEW)
    assert done.returncode == 1
    again = dbt(doubled, PROJECT, "retry")
    assert again.returncode != 0
    assert "type the command again that failed" in again.stdout


def test_an_error_of_a_test_in_run_names_the_mart_what_is_wrong_and_the_remedy(
    doubled: EngineHome,
):
    failed = doubled.call("run", "--cutoff", str(NEW), expect=1)
    assert "clv_predictions_actual: two rows have the same key" in failed.stderr
    assert "nothing was published; `doctor` says whether a mart is damaged" in failed.stderr


def test_a_killed_build_leaves_the_warehouse_as_it_was_and_the_home_free(
    home: EngineHome, tmp_path: Path
):
    copy = home.copy(tmp_path / "home")
    before = copy.database.read_bytes()
    started = subprocess.Popen(
        [str(DBT), "build", *OF_NEW, *places(copy)],
        cwd=PROJECT,
        env=environment(CLV_HOME=str(copy.root), DO_NOT_TRACK="1"),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    for said in started.stdout:
        if "OK created" in said and "clv_predictions" in said:
            break
    started.send_signal(signal.SIGKILL)
    started.wait()
    started.stdout.close()
    assert copy.database.read_bytes() == before
    (outcome,) = outcomes_of(copy, [["build", *OF_NEW]])
    assert (outcome.success, outcome.published) == (True, True)
    assert not (copy.root / "warehouse" / ".build").exists()


def test_dbt_and_the_engine_do_not_build_at_the_same_time(home: EngineHome, tmp_path: Path):
    copy = home.copy(tmp_path / "home")
    from ml.home.layout import Home
    from ml.warehouse.side_copy import locked

    with locked(Home(copy.root)):
        built, read = outcomes_of(copy, [["build", *OF_NEW], ["show", "--select", "clv_batches"]])
    assert (built.success, built.published, read.success) == (False, False, True)
    assert "another run holds warehouse/.lock; wait for it to end" in built.words


def test_a_build_in_a_warehouse_of_an_earlier_version_fills_what_it_lacks(
    home: EngineHome, tmp_path: Path
):
    copy = home.copy(tmp_path / "home")
    before = copy.marts()
    with duckdb.connect(copy.database) as con:
        for column in ("first_order_date", "customer_age_days"):
            con.execute(f"alter table marts.customer_rfm drop column {column}")
        con.execute("alter table marts.clv_ranked_predictions drop column value_tier_rank")
    (built,) = outcomes_of(copy, [["build", *OF_PAST]])
    assert (built.success, built.published) == (True, True), built.words
    lacking = copy.rows(
        "select count(*) from marts.customer_rfm join marts.clv_ranked_predictions"
        " using (customer_id, cutoff) where first_order_date is null or value_tier_rank is null"
    )
    assert lacking == [(0,)]
    assert copy.marts().keys() == before.keys()


# Where it is typed, and by whom


def test_dbt_in_the_root_is_dbt_in_the_project(home: EngineHome):
    listed = [dbt(home, folder, "ls", "--output", "name") for folder in (PROJECT, REPOSITORY)]
    assert [done.returncode for done in listed] == [0, 0]
    names = [
        sorted(name for name in done.stdout.splitlines() if " " not in name) for done in listed
    ]
    assert names[0] == names[1]
    assert "clv_predictions" in names[0]


def test_dbt_typed_elsewhere_finds_the_engine(home: EngineHome, tmp_path: Path):
    where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    done = dbt(home, tmp_path, "show", "--select", "clv_batches", *where)
    assert done.returncode == 0, done.stdout
    assert "champion" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_settings_of_the_environment_publish_no_hollow_and_no_untested_batch(home: EngineHome):
    before = home.database.read_bytes()
    for setting, words in ({"DBT_EMPTY": "1"}, HOLLOW), ({"DBT_RESOURCE_TYPES": "model"}, UNTESTED):
        done = dbt(home, PROJECT, "build", *OF_NEW, **setting)
        assert done.returncode == 2
        assert words in done.stdout
    assert home.database.read_bytes() == before


def test_without_a_home_one_line_says_what_to_set(home: EngineHome, tmp_path: Path):
    done = subprocess.run(
        [str(DBT), "build", *OF_NEW, *places(home)],
        cwd=PROJECT,
        env=environment(CLV_HOME=str(tmp_path), DO_NOT_TRACK="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    said = [said for said in done.stdout.splitlines() if "set CLV_HOME" in said]
    assert len(said) == 1
    assert f"there is no warehouse in {tmp_path}" in said[0]
    assert "Traceback" not in done.stdout
    assert len(done.stdout.splitlines()) < 20
    assert list(tmp_path.iterdir()) == []


CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, PR_CAPBSET_DROP = 1, 2, 24


def obey_permissions() -> None:
    """Also the superuser may then write only what its permissions allow."""
    if os.geteuid() == 0:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


@pytest.fixture
def read_only_home(home: EngineHome, tmp_path: Path):
    copy = home.copy(tmp_path / "readable")
    folders = [copy.root, *(path for path in copy.root.rglob("*") if path.is_dir())]
    files = [path for path in copy.root.rglob("*") if path.is_file()]
    (copy.root / "warehouse" / ".lock").unlink(missing_ok=True)
    for path in (*files, *folders):
        if path.exists():
            path.chmod(0o555 if path.is_dir() else 0o444)
    yield copy
    for folder in folders:
        folder.chmod(0o755)


def read_by(home: EngineHome, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=PROJECT,
        env=environment(CLV_HOME=str(home.root), DO_NOT_TRACK="1"),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=obey_permissions,
    )


def test_who_may_only_read_a_home_can_read_all_of_it(read_only_home: EngineHome, tmp_path: Path):
    home, page = read_only_home, tmp_path / "pages"
    engine = [str(DBT.parent / "python"), str(REPOSITORY / "orchestrate.py")]
    ((customer,),) = home.rows("select customer_id from marts.clv_predictions limit 1")
    before = home.database.read_bytes()
    reading = [
        [str(DBT), "show", "--select", "clv_predictions", *places(home)],
        [str(DBT), "compile", "--select", "who_to_call_this_week", *places(home)],
        [str(DBT), "docs", "generate", *places(home)],
        [str(DBT), "test", "--select", "clv_predictions", *places(home)],
        [*engine, "status"],
        [*engine, "explain", customer],
        [*engine, "report", "--to", str(page)],
        [*engine, "docs", "--to", str(page)],
    ]
    for command in reading:
        done = read_by(home, *command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert sorted(path.name for path in page.iterdir()) == ["docs.html", "report.html"]
    built = read_by(home, str(DBT), "build", *OF_NEW, *places(home))
    assert built.returncode != 0
    assert "you may only read this home" in built.stdout
    ran = read_by(home, *engine, "run")
    assert ran.returncode == 1
    assert "you may only read this home" in ran.stderr
    assert home.database.read_bytes() == before
