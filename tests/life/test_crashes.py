"""kill -9 anywhere in run, train and tune: the next run heals, nothing is lost or doubled."""

import csv
import json
import random
import shutil
import subprocess
import time
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from conftest import (
    BATCH_MARTS,
    CUTOFF,
    REPOSITORY,
    SECOND_CUTOFF,
    EngineHome,
    frame,
    home_at,
    line,
    marts,
    table_hash,
)
from crashes import Kill, Scenario, chains, contents, contents_of_files, figures, survive, unkilled
from warm import Command

CDNOW = REPOSITORY.parent / "shared" / "data" / "cdnow.parquet"
TRAIN_CUTOFF, TUNE = SECOND_CUTOFF, ("tune", "--history", "6", "--pred", "3")

FORMULAS = ["=1+1", "+cmd|'/c calc'!A0", "-2+3", "@SUM(A1)", "\t=x", "=HYPERLINK(1)"]
NUMBERS = ["-1", "+7", "-1.5"]
TOKEN = "canary-token-5f1c"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crashes")


@pytest.fixture(scope="module")
def small(scored_home: EngineHome, folder: Path) -> dict[str, Scenario]:
    """run (a new file, a due batch, a matured window, an alert), train and tune on a small home."""
    ready = scored_home.copy(folder / "ready")
    # one batch is due on 2012-06-03, and the window of CUTOFF has matured
    ready.configure(r"^  last_score_cutoff:.*?(#|$)", r'  last_score_cutoff: "2012-05-20" \1')
    days = [date(2012, 4, 1), date(2012, 5, 2), date(2012, 6, 5)]
    hostile = [line(customer, days[1]) for customer in FORMULAS + NUMBERS]
    ready.deliver(frame([*(line("C0001", day) for day in days), *hostile]), "later.csv")
    return {
        "run": unkilled("run", ready, ["run"], folder),
        "train": unkilled("train", scored_home, ["train", "--cutoff", str(TRAIN_CUTOFF)], folder),
        "tune": unkilled("tune", scored_home, [*TUNE, "--cutoff", str(CUTOFF)], folder),
    }


def test_no_temporary_table_of_a_build_is_published(small: dict[str, Scenario]):
    assert [name for name in small["run"].after if name.startswith("main.")] == []


def test_twenty_kills_lose_and_double_nothing(small: dict[str, Scenario], folder: Path):
    draw, kills = random.Random(1), list[Kill]()
    for name, points, moments in (("run", 10, 2), ("train", 5, 1), ("tune", 2, 0)):
        aims = some_aims(small[name], points, moments, draw)
        for number, chain in enumerate(chains(aims, (4,))):
            kills += survive(small[name], chain, folder / f"{name}-{number}")
    found = figures(kills)
    assert found["tried"] == 20
    assert found["interrupted commits"] >= 10, found
    assert set(found["left open"]) >= {
        "side copy",
        "file half written",
        "artefact without row",
        "batch without file",
        "batch without bump",
    }, found


# Other ways to disturb the same run


def test_the_same_run_three_times_adds_nothing_and_a_reader_keeps_its_snapshot(
    small: dict[str, Scenario], folder: Path
):
    scenario = small["run"]
    home = scenario.before.copy(folder / "three")
    with home.warehouse() as con:
        relations = [f"marts.{name}" for name in marts(con)]
        before = [table_hash(con, relation) for relation in relations]
        for _ in range(3):
            home.call("run", CLV_JIRA_TOKEN=TOKEN)
        assert [table_hash(con, relation) for relation in relations] == before
    assert contents(home) == scenario.after


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/St_Johns"])
def test_the_time_zone_of_the_machine_changes_nothing(
    small: dict[str, Scenario], folder: Path, zone: str
):
    home = small["run"].before.copy(folder / zone.replace("/", "-"))
    home.call("run", TZ=zone)
    assert contents(home) == small["run"].after


def test_of_eight_trainings_at_once_one_works_and_seven_leave_at_once(
    small: dict[str, Scenario], folder: Path
):
    scenario = small["train"]
    home = scenario.before.copy(folder / "eight")
    commands = [home.start(*scenario.arguments) for _ in range(8)]
    alive = commands
    while len(alive) > 1:
        time.sleep(0.05)
        alive = [command for command in commands if command.process.is_alive()]
    assert len(alive) == 1  # seven ended while one was at work
    outcomes = [command.finish() for command in commands]
    assert sorted(outcome.code for outcome in outcomes) == [0, *[3] * 7]
    assert all("warehouse/.lock" in one.message for one in outcomes if one.code == 3)
    assert contents(home) == scenario.after


def test_a_full_disk_is_one_line_and_keeps_the_old_files(small: dict[str, Scenario], folder: Path):
    scenario, place = small["run"], folder / "disk"
    place.mkdir()
    source = scenario.before.root
    used = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    database = scenario.before.database.stat().st_size
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={used * 4}", "tmpfs", str(place)], check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        shutil.copytree(source, place, dirs_exist_ok=True)
        home = EngineHome(place)
        before = contents_of_files(home), home.database.read_bytes()
        free = int(database * 0.1), int(database * 0.6), int(database * 1.1)
        for room in free:
            taken = shutil.disk_usage(place).used
            subprocess.run(["mount", "-o", f"remount,size={taken + room}", str(place)], check=True)
            assert "free some space" in home.call("run", expect=1).message
            assert (contents_of_files(home), home.database.read_bytes()) == before
        subprocess.run(["mount", "-o", f"remount,size={used * 4}", str(place)], check=True)
        home.call("run")
        assert contents(home) == scenario.after
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_cells_that_a_spreadsheet_would_run_are_neutralised_and_numbers_are_not(
    small: dict[str, Scenario], folder: Path
):
    outputs = EngineHome(folder / "run-unkilled").outputs
    for mart in BATCH_MARTS[:3]:
        with (outputs / f"{mart}_2012-06-03_pred3m.csv").open(newline="") as file:
            ids = [row["customer_id"] for row in csv.DictReader(file)]
        assert {f"'{text.strip()}" for text in FORMULAS} | set(NUMBERS) <= set(ids), mart
    for path in outputs.glob("*.csv"):
        with path.open(newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row if cell]
        risky = [cell for cell in cells if cell[0] in "=+-@\t\r" and not is_number(cell)]
        assert risky == [], path


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_no_token_and_no_customer_is_in_logs_errors_or_alerts(
    small: dict[str, Scenario], folder: Path
):
    home = small["run"].before.copy(folder / "canaries")
    customer, secret = "canary-customer-91ab", TOKEN.encode()
    home.deliver(frame([line(customer, date(2012, 5, 2), price=123456)]), "canary.csv")
    home.configure(
        r"^# alerts:.*$",
        "alerts:\n  jira: {url: 'http://127.0.0.1:9', project: CLV, timeout_seconds: 1}",
    )
    said = home_says(home.start("run", CLV_JIRA_TOKEN=TOKEN))
    (home.raw / "broken.csv").write_text(f'customer_id,order_ts\n"{customer}\n')
    said += home_says(home.start("run", CLV_JIRA_TOKEN=TOKEN))
    traced = home_says(home.start("--debug", "run", CLV_JIRA_TOKEN=TOKEN))
    (home.raw / "broken.csv").unlink()
    assert "drift_alert" in said and "Traceback" in traced
    assert customer not in said + traced and TOKEN not in said + traced
    tables = {home.database, *home.raw.iterdir(), *home.outputs.glob("clv_*")}
    for path in (path for path in home.root.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert secret not in content, path
        assert path in tables or customer.encode() not in content, path


def home_says(command: Command) -> str:
    outcome = command.finish()
    return outcome.stdout + outcome.stderr


# The long form on CDNOW


@pytest.fixture(scope="module")
def cdnow(folder: Path) -> dict[str, Scenario]:
    """The same three commands on CDNOW: its last fortnight arrives, one batch is due."""
    home = home_at(folder / "cdnow")
    log = pd.read_parquet(CDNOW)
    is_late = log["order_ts"] >= pd.Timestamp("1998-06-16")
    home.deliver(log[~is_late], "first.parquet")
    home.call("train", "--cutoff", "1998-03-31")
    home.call("run", "--cutoff", "1998-03-31")
    ready = home.copy(folder / "cdnow-ready")
    ready.configure(r"^  last_score_cutoff:.*?(#|$)", r'  last_score_cutoff: "1998-06-16" \1')
    ready.deliver(log[is_late], "second.parquet")
    return {
        "run": unkilled("run", ready, ["run"], folder),
        "train": unkilled("train", home, ["train", "--cutoff", "1998-02-28"], folder),
        "tune": unkilled("tune", home, [*TUNE, "--cutoff", "1997-12-31"], folder),
    }


@pytest.mark.slow
@pytest.mark.skipif(not CDNOW.exists(), reason="CDNOW is not here")
@pytest.mark.parametrize(
    ("name", "points", "moments"), [("run", 60, 60), ("train", 30, 35), ("tune", 8, 7)]
)
def test_two_hundred_kills_on_cdnow_lose_and_double_nothing(
    cdnow: dict[str, Scenario], folder: Path, name: str, points: int, moments: int
):
    aims = some_aims(cdnow[name], points, moments, random.Random(2))
    kills = list[Kill]()
    for number, chain in enumerate(chains(aims, (1, 4, 6))):
        kills += survive(cdnow[name], chain, folder / f"cdnow-{name}-{number}")
        (folder / f"figures-{name}.json").write_text(json.dumps(figures(kills)))
    assert figures(kills)["interrupted commits"] >= len(aims) // 6, figures(kills)


def some_aims(scenario: Scenario, points: int, moments: int, draw: random.Random) -> list[object]:
    """Commit points, spread over the command, and random moments of it."""
    every = scenario.commit_points
    chosen = [every[(2 * n + 1) * len(every) // (2 * points)] for n in range(points)]
    return [*chosen, *sorted(draw.random() for _ in range(moments))]
