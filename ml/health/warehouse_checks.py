"""Checks of the warehouse and of what stands beside it: tables, ledger, exports, tombstones."""

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
from ruamel.yaml import YAML

from ml.delivery.load import is_up_to_date
from ml.delivery.tombstones import read_tombstones
from ml.health.findings import Examined, Finding, NotCheckedError, broken, of_error, ok, warning
from ml.home.errors import EngineError, LockHeldError
from ml.home.layout import Home
from ml.ledger import manifest
from ml.ledger.purge_log import purged_files
from ml.warehouse import exports
from ml.warehouse.dbt_project import PROJECT
from ml.warehouse.side_copy import is_lock_conflict

# in a model's own file; those of its folder stand in dbt_project.yml
TAGS = re.compile(r"\btags=\[([^]]*)\]")


def warehouse(examined: Examined) -> Iterator[Finding]:
    """The database opens, and every block of it can be read."""
    home, name = examined.home, examined.home.relative(examined.home.database)
    if not home.database.exists():
        yield warning(f"{name}: there is none yet", examined.command("load"))
        return
    try:
        with duckdb.connect(home.database, read_only=True) as con:
            tables = con.execute(
                'select format(\'"{}"."{}"\', schema_name, table_name) from duckdb_tables()'
            ).fetchall()
            for (table,) in tables:
                con.execute(f"select bit_xor(hash(one)) from {table} as one").fetchone()
    except duckdb.Error as error:
        yield _not_opened(examined, error)
        return
    if home.database.with_name(home.database.name + ".wal").exists():
        what = f"{name}.wal: a program writes in the warehouse, or was killed when it did"
        yield warning(what, "nothing: the next command that writes takes it in")
    yield ok(f"{name}: {len(tables)} tables, {home.database.stat().st_size / 1e6:,.1f} MB")


def _not_opened(examined: Examined, error: duckdb.Error) -> Finding:
    """Why the warehouse does not open; the database's own words may hold values of rows."""
    home = examined.home
    name, path = home.relative(home.database), shlex.quote(str(home.database))
    text = str(error).lower()
    if not os.access(home.database, os.R_OK):
        return broken(f"{name}: this user may not read it", f"chmod u+r {path}, or be its owner")
    if is_lock_conflict(error):
        what = f"{name}: another program writes in it"
        return broken(what, f"close it: fuser {path}", LockHeldError.exit_code)
    if "encrypt" in text:
        return broken(f"{name}: is encrypted", f"restore {path} from a backup in the clear")
    if "newer version" in text or "version number" in text:
        what = f"{name}: was written by a newer DuckDB than {duckdb.__version__}"
        return broken(what, "install the packages of requirements.lock of the engine that wrote it")
    what = f"{name}: is damaged or no DuckDB database ({type(error).__name__})"
    again = f"mv {path} {path}.damaged && {examined.command('load')}, then `run` scores anew"
    return broken(what, f"restore it from a backup; without one: {again}")


@contextmanager
def _opened(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read-only. Raises NotCheckedError when it is not there or does not open."""
    if not home.database.exists():
        raise NotCheckedError("there is no warehouse yet")
    try:
        con = duckdb.connect(home.database, read_only=True)
    except duckdb.Error:
        raise NotCheckedError("the warehouse does not open") from None
    with con:
        yield con


def tables(examined: Examined) -> Iterator[Finding]:
    """Every table is there that the project builds with those that are there."""
    with _opened(examined.home) as con:
        rows = con.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
        ).fetchall()
        found = {name for (name,) in rows}
        newest = None
        if "marts.clv_batches" in found:
            (newest,) = con.execute("select max(cutoff) from marts.clv_batches").fetchone() or (0,)
    plain = f"CLV_HOME={shlex.quote(str(examined.home.root))} dbt build --selector load"
    remedies = {
        "load": ("raw.files", f"cd {shlex.quote(str(PROJECT))} && {plain}"),
        "ledger": ("marts.clv_batches", examined.command("promote MODEL_ID of the champion")),
        "": ("marts.clv_batches", examined.command(f"run --cutoff {newest}")),
        "monitor": ("marts.drift_report", examined.command("run")),
    }
    built = tables_by_tag()
    for tag, (sign, remedy) in remedies.items():
        missing = sorted(built[tag] - found) if sign in found else []
        if missing:
            yield broken(f"missing: {', '.join(missing)}", remedy)
    yield ok(f"{len(found)} tables and views")


def tables_by_tag() -> dict[str, set[str]]:
    """The project's tables as schema.table, by tag; by "" those of a batch, which have none."""
    folders = YAML(typ="safe").load(PROJECT / "dbt_project.yml")["models"]["house_ware_clv"]
    tables: dict[str, set[str]] = {}
    for path in (PROJECT / "models").rglob("*"):
        if path.suffix in {".sql", ".py"}:
            schema, tags = _of_folder(folders, path.relative_to(PROJECT / "models").parts[:-1])
            tags += re.findall(r"[\w-]+", "".join(TAGS.findall(path.read_text(encoding="utf-8"))))
            tables.setdefault(next(iter(tags), ""), set()).add(f"{schema}.{path.stem}")
    return tables


def _of_folder(folders: dict[str, Any], place: tuple[str, ...]) -> tuple[str, list[str]]:
    """Schema and tags of the models in a folder, as dbt takes them from dbt_project.yml."""
    schema, tags = "", []
    for folder in place:
        folders = folders.get(folder, {})
        schema = folders.get("+schema", schema)
        tags += folders.get("+tags", [])
    return schema, tags


def loaded(examined: Examined) -> Iterator[Finding]:
    """The warehouse holds the rows of the files as they are now."""
    source = examined.config.source
    with _opened(examined.home) as con:
        if is_up_to_date(con, examined.home, source):
            yield ok("the warehouse holds the files of source.files")
        else:
            what = "files of source.files are new, replaced or gone, or are read another way"
            yield warning(f"{what} since the last load", examined.command("load"))


def ledger(examined: Examined) -> Iterator[Finding]:
    """Manifest, cards and artefacts are those that were entered."""
    home = examined.home
    rows = manifest.read_manifest(home)
    for row in rows:
        try:
            manifest.check_row(home, row)
        except EngineError as error:
            restore = None
            if home.relative(manifest.artefact_path(home, row.model_id)) in str(error):
                restore = examined.command(f"reproduce {row.model_id} --restore")
            yield of_error(error, restore)
    yield ok(f"{len(rows)} row(s), chain, cards and artefacts as entered")


def champion(examined: Examined) -> Iterator[Finding]:
    """There is a champion, and its artefact is there."""
    home = examined.home
    if not any(row.kind in manifest.CROWNING for row in manifest.read_manifest(home)):
        yield warning("no champion yet", examined.command("train"))
        return
    row = manifest.champion(home)
    path = manifest.artefact_path(home, row.model_id)
    if path.exists():
        yield ok(row.model_id)
    else:
        rebuild = examined.command(f"reproduce {row.model_id}")
        yield broken(f"{home.relative(path)}: missing, nothing can be scored", rebuild)


def exported(examined: Examined) -> Iterator[Finding]:
    """Every batch of the champions has its CSV files."""
    home, purged = examined.home, purged_files(examined.home)
    with _opened(home) as con:
        batches = exports.batches(con)
    paths = [exports.export_path(home, mart, one) for one in batches for mart in exports.EXPORTED]
    missing = [path for path in paths if not path.exists() and path not in purged]
    if missing:
        what = f"{len(missing)} of {len(paths)} CSV files are missing, such as {missing[0].name}"
        yield warning(what, examined.command("run"))
    else:
        yield ok(f"{len(batches)} batch(es) with their CSV files")


def forgotten(examined: Examined) -> Iterator[Finding]:
    """Who was forgotten is known, and the warehouse holds none of them."""
    home = examined.home
    stones = read_tombstones(home)
    if stones.forgotten:
        with _opened(home) as con:
            if stones.not_applied(con):
                what = "a `forget` was stopped, or the warehouse is older than it"
                yield warning(what, examined.command("load"))
                return
    yield ok(f"{len(stones.forgotten)} customer(s) forgotten")
