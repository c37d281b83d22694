"""Factories of transaction logs and homes, and the command line as a user calls it."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from money_macros import of_money
from warm import Command, Death, Outcome, start

REPOSITORY = Path(__file__).resolve().parent.parent
PROJECT = REPOSITORY / "dbt_project"
FIRST_DAY, LAST_DAY = date(2010, 7, 15), date(2012, 3, 20)
HISTORY_MONTHS, PRED_MONTHS = 6, 3
# a leap day: the history is 2011-09-01..2012-02-29, the label window 2012-03-01..2012-05-31
CUTOFF = date(2012, 2, 29)
SECOND_CUTOFF = date(2012, 3, 14)
FIRST_HISTORY_DAY = date(2011, 9, 1)
PAST_CUTOFF = date(2011, 9, 30)
TWINS = [f"TWIN-{number}" for number in range(1, 8)]
BATCH_MARTS = ("clv_predictions", "clv_ranked_predictions", "clv_clusters", "clv_cluster_ranking")
COLUMNS = ["customer_id", "order_id", "order_ts", "product_id", "quantity", "unit_price"]


# Fast tests


def pytest_addoption(parser: pytest.Parser) -> None:
    about = "leave out tests that need a folder, and so every home and command, and long ones"
    parser.addoption("--fast", action="store_true", help=about)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --fast: what runs is known from what a test and its fixtures ask for."""
    if config.getoption("fast"):
        left_out = [item for item in items if not is_fast(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if is_fast(item)]


def is_fast(item: pytest.Item) -> bool:
    """Whether a test works in memory alone, and is not marked as long."""
    folders = {"tmp_path", "tmp_path_factory"}
    asked = getattr(item, "fixturenames", [])
    return folders.isdisjoint(asked) and item.get_closest_marker("long") is None


# Transaction logs


def line(
    customer: str,
    day: date,
    *,
    order: str | None = None,
    time: str = "12:00:00",
    product: str = "P1",
    quantity: float = 1.0,
    price: float = 10.0,
) -> tuple[Any, ...]:
    """One delivered line, in the order of COLUMNS."""
    moment = pd.Timestamp(f"{day} {time}")
    return (customer, order or f"{customer}-{day}", moment, product, quantity, price)


def frame(lines: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Delivered lines as a frame."""
    return pd.DataFrame(lines, columns=COLUMNS)


def edge_lines() -> list[tuple[Any, ...]]:
    """Customers on the edges of the windows of CUTOFF, and kinds of days that need care."""
    day = date(2012, 1, 10)
    return [
        line("ON-CUTOFF", CUTOFF, time="23:59:59"),
        line("DAY-AFTER", CUTOFF + timedelta(days=1), time="00:00:00"),
        line("FIRST-DAY", FIRST_HISTORY_DAY, time="00:00:00"),
        line("DAY-BEFORE", FIRST_HISTORY_DAY - timedelta(days=1), time="23:59:59"),
        line("RETURNS-ONLY", day, quantity=-1),
        line("KEPT-NOTHING", day, order="K1", quantity=2),
        line("KEPT-NOTHING", day + timedelta(days=9), order="K2", quantity=-2),
        # two orders on one day, and one order of two lines
        line("SAME-DAY", day, order="S1", price=5),
        line("SAME-DAY", day, order="S2", price=7),
        line("SAME-DAY", day, order="S2", price=1, product="P2"),
        # identical lines of one file are real purchases
        line("TIED-LINES", day, order="T1"),
        line("TIED-LINES", day, order="T1"),
        *(line(twin, FIRST_DAY, price=20) for twin in TWINS),
        *(line(twin, date(2011, 12, 1), price=20) for twin in TWINS),
    ]


def transaction_log(
    seed: int = 1,
    customers: int = 250,
    first_day: date = FIRST_DAY + timedelta(days=1),
    last_day: date = LAST_DAY,
) -> pd.DataFrame:
    """A seeded log: customers differ in pace and in spend, one line in twenty is a return."""
    draw = np.random.default_rng(seed)
    span = (last_day - first_day).days
    lines = edge_lines()
    for number in range(customers):
        customer, pace = f"C{number:04}", draw.gamma(2.0, 20.0) + 5
        spend, offset = draw.gamma(3.0, 6.0) + 1, int(draw.integers(0, span))
        while offset <= span:
            day = first_day + timedelta(days=offset)
            for product in draw.integers(0, 30, int(draw.integers(1, 4))):
                quantity = -1.0 if draw.random() < 0.05 else float(draw.integers(1, 4))
                price = round(float(draw.gamma(4.0, spend / 4)) + 0.5, 2)
                lines.append(
                    line(customer, day, product=f"P{product}", quantity=quantity, price=price)
                )
            offset += int(draw.exponential(pace)) + 1
            if draw.random() < 0.08:
                break
    return frame([*lines, line("LAST-DAY", last_day)])


# Homes


@dataclass(frozen=True)
class EngineHome:
    """A home in a temporary folder and the command line on it."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config" / "model_config.yaml"

    @property
    def database(self) -> Path:
        return self.root / "warehouse" / "clv.duckdb"

    @property
    def outputs(self) -> Path:
        return self.root / "warehouse" / "outputs"

    @property
    def manifest(self) -> Path:
        return self.root / "warehouse" / "models" / "champion_manifest.csv"

    @property
    def raw(self) -> Path:
        return self.root / "warehouse" / "raw"

    def call(
        self, *arguments: str, expect: int | None = 0, wait: float = 300, **variables: str
    ) -> Outcome:
        """`orchestrate.py --home … --json …`, with the exit code it must have.

        wait: seconds it may take; variables: more of the environment.
        """
        command = self.start(*arguments, **variables)
        outcome = command.finish(wait)
        shutil.rmtree(command.folder)
        assert expect is None or outcome.code == expect, outcome
        return outcome

    def start(self, *arguments: str, death: Death | None = None, **variables: str) -> Command:
        """The same command, at work; killed where `death` says."""
        return start(self.root, arguments, environment(**variables), death)

    @contextmanager
    def warehouse(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, read-only."""
        with duckdb.connect(self.database, read_only=True) as con:
            yield con

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query on the warehouse answers."""
        with self.warehouse() as con:
            return con.execute(sql).fetchall()

    def deliver(self, lines: pd.DataFrame, name: str = "log.parquet") -> Path:
        """Put lines as a file (by its ending parquet, csv or csv.gz) where the config looks."""
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".parquet"):
            lines.to_parquet(path, index=False)
        else:
            lines.to_csv(path, index=False)
        return path

    def configure(self, pattern: str, replacement: str) -> None:
        """Replace the only match of a regular expression in the config."""
        text, count = re.subn(pattern, replacement, self.config.read_text(), flags=re.MULTILINE)
        assert count == 1
        self.config.write_text(text)

    def copy(self, to: Path) -> "EngineHome":
        """This home again in another folder, for a test that changes it."""
        return EngineHome(Path(shutil.copytree(self.root, to)))

    def state(self) -> dict[str, str]:
        """A hash of every mart, output, model file and of the config, by name."""
        files = [self.config, *self.outputs.rglob("*"), *self.manifest.parent.rglob("*")]
        hashes = {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
            if path.is_file()
        }
        return hashes | self.marts()

    def marts(self) -> dict[str, str]:
        """Rows and a hash over them of every mart."""
        if not self.database.exists():
            return {}
        with self.warehouse() as con:
            return {f"marts.{name}": table_hash(con, f"marts.{name}") for name in marts(con)}


def environment(**more: str) -> dict[str, str]:
    """The environment of a command: ours, without what would point it at another home."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CLV_")}
    return ours | more


def marts(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the tables in schema marts."""
    rows = con.execute(
        "select table_name from duckdb_tables() where schema_name = 'marts' order by table_name"
    ).fetchall()
    return [name for (name,) in rows]


def table_hash(con: duckdb.DuckDBPyConnection, relation: str, where: str = "true") -> str:
    """Number of rows and a hash over all of them, in whatever order they lie."""
    (count, digest) = con.execute(
        "select count(*), md5(coalesce(string_agg(line, chr(10) order by line), ''))"
        f" from (select r::varchar as line from {relation} as r where {where})"
    ).fetchone() or (0, "")
    return f"{count} {digest}"


def home_at(root: Path, **source: str) -> EngineHome:
    """A home with the repository's config for short windows; `source` replaces its values."""
    home = EngineHome(root)
    home.config.parent.mkdir(parents=True)
    home.raw.mkdir(parents=True)
    text = (REPOSITORY / "config" / "model_config.yaml").read_text()
    wanted = {
        "history_months": str(HISTORY_MONTHS),
        "pred_months": str(PRED_MONTHS),
        "last_score_cutoff": "",
        "files": "warehouse/raw/*",
    }
    for key, value in (wanted | source).items():
        text, count = re.subn(rf"^( +{key}:)[^#\n]*?( *#|$)", rf"\1 {value}\2", text, flags=re.M)
        assert count == 1, key
    home.config.write_text(text)
    return home


@pytest.fixture
def new_home(tmp_path: Path) -> Callable[..., EngineHome]:
    """Makes homes without data in the test's own folder."""

    def make(name: str = "home", **source: str) -> EngineHome:
        return home_at(tmp_path / name, **source)

    return make


def _shared(
    factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]
) -> EngineHome:
    """A home that is built once, for all workers of a parallel run."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    root, done = shared / name, shared / f"{name}.done"
    with FileLock(shared / f"{name}.lock"):
        if not done.exists():
            shutil.rmtree(root, ignore_errors=True)
            build(root)
            done.touch()
    return EngineHome(root)


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """Loaded, and trained at CUTOFF; nothing scored. Copy it to change it."""

    def build(root: Path) -> None:
        home = home_at(root)
        home.deliver(transaction_log())
        home.call("train", "--cutoff", CUTOFF.isoformat())

    return _shared(tmp_path_factory, "trained", build)


@pytest.fixture(scope="session")
def scored_home(trained_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """After one `run`: the batches CUTOFF and SECOND_CUTOFF. Copy it to change it."""

    def build(root: Path) -> None:
        home = trained_home.copy(root)
        (root / "run.json").write_text(home.call("run").stdout)

    return _shared(tmp_path_factory, "scored", build)


@pytest.fixture(scope="session")
def rescored_home(scored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """After `run --cutoff PAST_CUTOFF` with a reader at work. Copy it to change it."""

    def build(root: Path) -> None:
        home = scored_home.copy(root)
        with home.warehouse() as con:
            count = "select count(*) from marts.clv_predictions"
            before = con.execute(count).fetchone()
            result = home.call("run", "--cutoff", PAST_CUTOFF.isoformat()).result
            seen = {"before": before, "after": con.execute(count).fetchone()}
        (root / "rescored.json").write_text(json.dumps(result | {"reader": seen}))

    return _shared(tmp_path_factory, "rescored", build)


# SQL macros without dbt


def macro_sql(expression: str, *files: str) -> str:
    """What an expression over macros of dbt_project/macros/<file>.sql renders to."""
    source = "".join((PROJECT / "macros" / f"{file}.sql").read_text() for file in files)
    template = of_money(jinja2.Environment()).from_string(f"{source}{{{{ {expression} }}}}")
    return template.render().strip()
