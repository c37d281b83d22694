"""Runs the dbt project in this process, on one database file."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from ml.home.errors import EngineError, errors_of_entry_points
from ml.home.layout import REPOSITORY, Home
from ml.warehouse.failed_tests import failed_test

PROJECT = REPOSITORY / "dbt_project"
# variables of the environment that dbt's profile reads
OF_A_HOME = ("CLV_HOME", "CLV_WAREHOUSE", "CLV_MEMORY_LIMIT")
QUIET = ("--log-level", "none", "--log-level-file", "none")
SILENT = (*QUIET, "--no-write-json")
# what to do when dbt stops for another reason than one the engine knows
DEBUG = "`--debug` before the command shows where"
NOTHING_PUBLISHED = f"nothing was published; {DEBUG}"
TEST_FAILED = "nothing was published; `doctor` says whether a mart is damaged and what to type"


@dataclass(frozen=True)
class BuildReport:
    """What a build did: seconds of each node that ran, and the warnings of its tests."""

    seconds: dict[str, float]
    warnings: list[str]


class DbtProject:
    """The dbt project of this repository on the warehouse of one home.

    It is parsed once, without a cutoff and without a home, and the result is used for all of them:
    a change of --vars or of the profile would parse everything again.
    """

    def __init__(
        self,
        home: Home,
        progress: Callable[[str], None] = lambda _: None,
        memory_limit: str | None = None,
    ) -> None:
        self._home = home
        self._progress = progress
        self._memory_limit = memory_limit
        self._manifest: Any = None

    def build(
        self,
        database: Path,
        selector: str,
        cutoff: date | None = None,
        *,
        full_refresh: bool = False,
    ) -> BuildReport:
        """Build and test what `selector` names.

        Raises the error of the Python model that failed, else EngineError with dbt's first failure.
        """
        arguments = ["build", "--selector", selector, "--exclude-resource-type", "unit_test"]
        if cutoff is not None:
            arguments += ["--vars", json.dumps({"cutoff": cutoff.isoformat()})]
        if full_refresh:
            arguments.append("--full-refresh")
        with self._on(database), errors_of_entry_points() as raised:
            result = self._invoke(arguments)
        if raised:
            raise raised[0]
        return _report(result, self._manifest)

    def docs(self) -> str:
        """The static docs page of the warehouse, as HTML; writes nothing in the home."""
        with TemporaryDirectory() as scratch:
            places = _places(Path(scratch))
            runner = self._reader(places)
            with self._on(_existing(self._home.database, Path(scratch))):
                result = runner.invoke([*QUIET, "docs", "generate", "--static", *places])
            if not result.success:
                raise EngineError(f"dbt docs: {_one_line(str(result.exception))}", DEBUG)
            return (Path(scratch) / "static_index.html").read_text(encoding="utf-8")

    def tables(self, selectors: Iterable[str]) -> dict[str, set[str]]:
        """Tables and views, as schema.table, that each selector builds; writes nothing."""
        asked = ["--resource-type", "model", "--output", "json", "--output-keys", "schema name"]
        built = {}
        with TemporaryDirectory() as scratch, _environment(_without_settings()):
            places = _places(Path(scratch))
            runner = self._reader(places)
            for selector in selectors:
                listed: Any = runner.invoke(
                    [*SILENT, "ls", "--selector", selector, *asked, *places]
                )
                if not listed.success:
                    raise EngineError(f"dbt ls: {_one_line(str(listed.exception))}", DEBUG)
                models = map(json.loads, listed.result)
                built[selector] = {f"{model['schema']}.{model['name']}" for model in models}
        return built

    def _reader(self, places: list[str]) -> Any:
        """dbt on the parsed project; what the home keeps of an earlier parsing is used."""
        from dbt.cli.main import dbtRunner

        known = self._home.dbt_cache / "partial_parse.msgpack"
        flags = ["--partial-parse-file-path", str(known)] if os.access(known, os.R_OK) else []
        return dbtRunner(manifest=_parsed([*SILENT, *flags, "parse", *places]))

    def _invoke(self, arguments: list[str]) -> Any:
        from dbt.cli.main import dbtRunner

        places = _places(self._home.dbt_cache)
        if self._manifest is None:
            self._manifest = _parsed([*SILENT, "parse", *places])
        runner = dbtRunner(manifest=self._manifest, callbacks=[self._on_event])
        return runner.invoke([*SILENT, *arguments, *places])

    def _on_event(self, event: Any) -> None:
        if event.info.name == "LogStartLine":
            self._progress(f"dbt: {event.data.description}")

    @contextmanager
    def _on(self, database: Path) -> Iterator[None]:
        """Point dbt's profile at `database`; afterwards no connection holds its lock."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.adapters.factory import cleanup_connections, reset_adapters

        wanted = {"CLV_HOME": str(self._home.root), "CLV_WAREHOUSE": str(database)}
        if self._memory_limit is not None:
            wanted["CLV_MEMORY_LIMIT"] = self._memory_limit
        with _environment(_without_settings() | wanted):
            try:
                yield
            finally:
                cleanup_connections()
                DuckDBConnectionManager.close_all_connections()
                reset_adapters()


def _existing(database: Path, scratch: Path) -> Path:
    """The database, an empty one in `scratch` before the first load."""
    if database.exists():
        return database
    empty = scratch / database.name
    duckdb.connect(empty).close()
    return empty


def _places(written: Path) -> list[str]:
    """Options of dbt: where the project is, and where dbt may write."""
    read = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    return [*read, "--target-path", str(written), "--log-path", str(written)]


def _parsed(arguments: list[str]) -> Any:
    """The manifest of the project, parsed with the profile's defaults: the same for any home."""
    from dbt.adapters.factory import reset_adapters
    from dbt.cli.main import dbtRunner

    with _environment(_without_settings()):
        parsed = dbtRunner().invoke(arguments)
    reset_adapters()  # the one that parsed is not connected to the home
    if not parsed.success:
        raise EngineError(f"dbt parse: {_one_line(str(parsed.exception))}", DEBUG)
    return parsed.result


def _without_settings() -> dict[str, str | None]:
    """No home, and nothing that dbt takes from the environment: DBT_EMPTY would hollow a batch."""
    of_dbt = [name for name in os.environ if name.upper().startswith("DBT_")]
    return dict.fromkeys([*OF_A_HOME, *of_dbt])


@contextmanager
def _environment(wanted: Mapping[str, str | None]) -> Iterator[None]:
    """Set these variables of the environment during the block; None removes one."""
    before = {name: os.environ.get(name) for name in wanted}
    _set(wanted)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _report(result: Any, manifest: Any) -> BuildReport:
    nodes = list(getattr(result.result, "results", None) or [])
    failed = [node for node in nodes if str(node.status) in {"error", "fail", "runtime error"}]
    if failed:
        first = failed[0]
        wrong = failed_test(first, manifest)
        if wrong is not None:
            raise EngineError(wrong, TEST_FAILED)
        reason = _one_line(first.message or str(first.status))
        raise EngineError(f"{first.node.name}: {reason}", NOTHING_PUBLISHED)
    if not result.success:
        raise EngineError(f"dbt: {_one_line(str(result.exception))}", DEBUG)
    return BuildReport(
        {node.node.name: float(node.execution_time) for node in nodes},
        [f"{node.node.name}: {node.message}" for node in nodes if str(node.status) == "warn"],
    )


def _one_line(message: str) -> str:
    """The line that says what is wrong: the last one of a traceback, else dbt's first two."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if any(line.startswith("Traceback") for line in lines):
        return lines[-1][:300]
    mismatched = [line for line in lines if line.endswith("mismatch |")]
    return " ".join([*lines[:2], *mismatched])[:400]
