"""Commands that are killed, what the kill left open, and what must be true right after it."""

import json
import random
import re
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from conftest import BATCH_MARTS, EngineHome, table_hash
from warm import Death, Step

from ml.home.layout import Home
from ml.ledger import manifest
from ml.life import commands

# a training carries the moment it ended: in these tables, and in its card and manifest row
MOMENTS = {
    "ml.clv_champion": ("card",),
    "staging.stg_champion_manifest": (
        "timestamp",
        "card_sha256",
        "previous_row_sha256",
        "row_sha256",
    ),
    "marts.champion_manifest": (
        "trained_at",
        "card_sha256",
        "previous_row_sha256",
        "row_sha256",
    ),
}
MOMENT_OF_CARD = re.compile(rb'"timestamp": "[^"]*"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[+:0-9]*')
# what dbt keeps to parse less, and the file that is locked
KEPT = (".dbt", ".lock")
WORDS = {
    "side copy": "the side copy was being built",
    "file half written": "a file was written and not yet renamed",
    "artefact without row": "artefact or card stood without their row in the ledger",
    "row not published": "the ledger had a row that the warehouse did not know",
    "batch without file": "a batch was published and not all its files exported",
    "batch without bump": "a batch was published and the config not bumped",
    "window without file": "a window was measured and its file or alert not written",
    "search not closed": "a search had scores on disk",
}


@dataclass(frozen=True)
class Scenario:
    """A command, the home it starts from, and what it leaves when nobody kills it."""

    name: str
    before: EngineHome
    arguments: tuple[str, ...]
    after: dict[str, str]
    batches: dict[str, str]
    steps: list[Step]
    seconds: float

    @property
    def commit_points(self) -> list[Death]:
        """Before and after every rename and removal, in order: where half a commit can stand."""
        return [
            Death(step, after)
            for step in self.steps
            if step.event in ("os.rename", "os.remove") and ".dbt" not in step.path
            for after in (False, True)
        ]


def unkilled(name: str, before: EngineHome, arguments: Sequence[str], folder: Path) -> Scenario:
    """The scenario of a command, run once to its end on a copy of `before`."""
    home = before.copy(folder / f"{name}-unkilled")
    command = home.start(*arguments)
    command.wait_for_step()
    began = time.monotonic()
    assert command.finish().code == 0, command.finish()
    seconds = time.monotonic() - began
    after, batches = contents(home), batches_of(home)
    assert after != contents(before)
    return Scenario(name, before, tuple(arguments), after, batches, command.steps, seconds)


@dataclass(frozen=True)
class Kill:
    """One kill: where it was aimed, and what it left open; `landed` when the command lived."""

    scenario: str
    aim: str
    landed: bool
    left_open: tuple[str, ...]


def survive(scenario: Scenario, aims: Sequence[Death | float], folder: Path) -> list[Kill]:
    """Kill the command at each aim, one after the other, and let it end the last time.

    An aim is a step, or a share of the command's time. Right after every kill what stands must
    be whole; in the end everything must be as if nobody had killed.
    """
    home = scenario.before.copy(folder)
    kills = [_kill(scenario, home, aim) for aim in aims]
    home.call(*scenario.arguments)
    found = contents(home)
    differing = {
        name: (scenario.after.get(name), found.get(name))
        for name in scenario.after.keys() | found.keys()
        if scenario.after.get(name) != found.get(name)
    }
    assert differing == {}, (kills, differing)
    shutil.rmtree(folder)
    for leftover in folder.parent.glob("command-*"):
        shutil.rmtree(leftover)
    return kills


def _kill(scenario: Scenario, home: EngineHome, aim: Death | float) -> Kill:
    death = aim if isinstance(aim, Death) else None
    command = home.start(*scenario.arguments, death=death)
    if isinstance(aim, float):
        command.wait_for_step()
        command.process.join(aim * scenario.seconds)
        command.kill()
    outcome = command.finish()
    assert outcome.code in (0, -9), outcome
    assert_whole(home, scenario)
    landed = outcome.code == -9
    stood_open = left_open(scenario.before)
    opened = [name for name in left_open(home) if name not in stood_open] if landed else []
    return Kill(scenario.name, str(aim), landed, tuple(opened))


def left_open(home: EngineHome) -> list[str]:
    """Which commits stand half done on disk, keys of WORDS."""
    models, found = home.manifest.parent, []
    if (home.root / "warehouse" / ".build" / "clv.duckdb").exists():
        found.append("side copy")
    if list(home.root.rglob(".*.part")):
        found.append("file half written")
    rows = [row.model_id for row in manifest.read_manifest(Home(home.root))]
    artefacts = [path.stem.removeprefix("clv_model_") for path in models.glob("*.joblib")]
    cards = [path.stem for path in (models / "cards").glob("*.json")]
    if {*artefacts, *cards} - set(rows):
        found.append("artefact without row")
    known = home.rows("select model_id from marts.champion_manifest")
    if len(rows) > len(known):
        found.append("row not published")
    if (home.outputs / "grid_search" / "unfinished_search.json").exists():
        found.append("search not closed")
    return found + _batches_left_open(home)


def _batches_left_open(home: EngineHome) -> list[str]:
    if "clv_batches" not in {name.removeprefix("marts.") for name in home.marts()}:
        return []
    found = []
    cutoffs = home.rows("select cutoff::varchar, pred_months from marts.clv_batches order by all")
    files = {path.name for path in home.outputs.glob("*") if path.is_file()}
    wanted = {
        f"{mart}_{day}_pred{months}m.{ending}"
        for mart in BATCH_MARTS
        for day, months in cutoffs
        for ending in ("csv", "parquet")
    }
    if wanted - files:
        found.append("batch without file")
    bumped = yaml.safe_load(home.config.read_text())["run"]["last_score_cutoff"]
    if cutoffs and str(bumped or "") < cutoffs[-1][0]:
        found.append("batch without bump")
    if "marts.drift_report" in home.marts():
        measured = home.rows(
            "select cutoff::varchar, pred_months, verdict not in ('ok', 'cannot be told')"
            " from marts.drift_report where is_newest_revision order by all"
        )
        names = {
            f"clv_predictions_actual_{day}_pred{n}m.{ending}"
            for day, n, _ in measured
            for ending in ("csv", "parquet")
        }
        names |= {f"drift_alert_{day}_pred{n}m.md" for day, n, alerts in measured if alerts}
        if names - files:
            found.append("window without file")
    return found


def assert_whole(home: EngineHome, scenario: Scenario) -> None:
    """What stands is old or new, never half: ledger, batches, files and the bumped config."""
    state = commands.status(Home(home.root))  # checks the ledger, its cards and artefacts
    assert state.champions >= 1
    begun = batches_of(scenario.before)
    for cutoff, rows in batches_of(home).items():
        assert rows in (scenario.batches.get(cutoff), begun.get(cutoff)), cutoff
    before = contents_of_files(scenario.before)
    for name, digest in contents_of_files(home).items():
        if name.endswith((".csv", ".parquet", ".yaml", ".png", ".md")) and "models" not in name:
            assert digest in (before.get(name), scenario.after.get(name)) or (
                name == "config/model_config.yaml" and _is_bumped_to_a_batch(home)
            ), name


def _is_bumped_to_a_batch(home: EngineHome) -> bool:
    bumped = yaml.safe_load(home.config.read_text())["run"]["last_score_cutoff"]
    return str(bumped) in batches_of(home)


def batches_of(home: EngineHome) -> dict[str, str]:
    """Cutoff to a hash over the batch's rows in all marts of a batch."""
    with home.warehouse() as con:
        found = con.execute(
            "select 1 from duckdb_tables()"
            " where schema_name = 'marts' and table_name = 'clv_batches'"
        ).fetchone()
        if found is None:
            return {}
        days = con.execute("select distinct cutoff::varchar from marts.clv_batches").fetchall()
        return {
            day: " ".join(
                table_hash(con, f"marts.{mart}", f"cutoff = '{day}'")
                for mart in (*BATCH_MARTS, "clv_batches", "clv_drivers", "customer_rfm")
            )
            for (day,) in days
        }


def contents(home: EngineHome) -> dict[str, str]:
    """A hash of every row set of the warehouse and of every file of the home, by name.

    Moments of training are left out; everything else must be equal after a kill.
    """
    with home.warehouse() as con:
        names = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() order by all"
        ).fetchall()
        tables = {name: _rows(con, name) for (name,) in names}
    return tables | contents_of_files(home)


def _rows(con: Any, name: str) -> str:
    left_out = MOMENTS.get(name)
    if left_out is None:
        return table_hash(con, name)
    return table_hash(con, f"(select * exclude ({', '.join(left_out)}) from {name})")


def contents_of_files(home: EngineHome) -> dict[str, str]:
    """A hash of every file of the home but the database, without moments of training."""
    paths = [path for path in home.root.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(home.root)): _content(path)
        for path in paths
        if path != home.database and not any(kept in path.parts for kept in KEPT)
    }


def _content(path: Path) -> str:
    content = path.read_bytes()
    if path.parent.name == "cards":
        content = MOMENT_OF_CARD.sub(b"", content)
    if path.name == "champion_manifest.csv":
        rows = manifest.read_manifest(Home(path.parents[2]))
        moments = MOMENTS["staging.stg_champion_manifest"]
        kept = [[text for name, text in row.fields.items() if name not in moments] for row in rows]
        content = json.dumps(kept).encode()
    return sha256(content).hexdigest()


def chains(aims: Sequence[Death | float], lengths: Sequence[int]) -> list[list[Death | float]]:
    """The aims dealt into chains of these lengths, over and over; each chain in its order."""
    order = {aim: number for number, aim in enumerate(aims)}
    left, found = list(aims), []
    draw = random.Random(len(aims))
    draw.shuffle(left)
    while left:
        length = lengths[len(found) % len(lengths)]
        found.append(sorted(left[:length], key=lambda aim: order[aim]))
        left = left[length:]
    return found


def figures(kills: Sequence[Kill]) -> dict[str, Any]:
    """Kills tried, landed, that interrupted a commit, and how often each stood half done."""
    landed = [kill for kill in kills if kill.landed]
    commits = [kill for kill in landed if set(kill.left_open) - {"side copy"}]
    open_commits = Counter(name for kill in landed for name in kill.left_open)
    return {
        "tried": len(kills),
        "landed": len(landed),
        "interrupted work": sum(bool(kill.left_open) for kill in landed),
        "interrupted commits": len(commits),
        "left open": dict(open_commits.most_common()),
    }
