"""Checks of the warehouse and of what stands beside it: tables, ledger, exports, tombstones."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import duckdb

from ml.delivery.load import is_up_to_date
from ml.delivery.tombstones import read_tombstones
from ml.health.findings import Examined, Finding, NotCheckedError, broken, of_error, ok, warning
from ml.home.errors import EngineError, LockHeldError
from ml.home.layout import Home
from ml.ledger import manifest
from ml.ledger.beyond_data import COMMAND, find_beyond_data
from ml.ledger.purge_log import purged_files
from ml.warehouse import exports, state
from ml.warehouse.dbt_project import PROJECT, DbtProject
from ml.warehouse.doubts import doubts as doubts_of
from ml.warehouse.side_copy import is_lock_conflict
from ml.warehouse.tables import tables as tables_of
from ml.warehouse.views import (
    missing,
    missing_columns,
    missing_doubts,
    missing_verdicts,
    missing_views,
)


def warehouse(examined: Examined) -> Iterator[Finding]:
    """The database opens, and every block of it can be read."""
    home, name = examined.home, examined.home.relative(examined.home.database)
    if not home.database.exists():
        yield warning(f"{name}: there is no warehouse yet", examined.command("load"))
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
        what = f"{name}.wal: a program is writing to the warehouse, or was killed while it wrote"
        yield warning(what, "do nothing: the next command that writes takes it in")
    yield ok(f"{name}: {len(tables)} tables, {home.database.stat().st_size / 1e6:,.1f} MB")


def _not_opened(examined: Examined, error: duckdb.Error) -> Finding:
    """Why the warehouse does not open; the database's own words may hold values of rows."""
    home = examined.home
    name, path = home.relative(home.database), shlex.quote(str(home.database))
    text = str(error).lower()
    if not os.access(home.database, os.R_OK):
        return broken(f"{name}: you may not read it", f"chmod u+r {path}, as its owner")
    if is_lock_conflict(error):
        what = f"{name}: another program has it open for writing"
        return broken(what, f"close it: fuser {path}", LockHeldError.exit_code)
    if "encrypt" in text:
        return broken(f"{name}: is encrypted", f"restore {path} from a backup that is not")
    if "newer version" in text or "version number" in text:
        what = f"{name}: was written by a newer DuckDB than {duckdb.__version__}"
        return broken(what, "install the packages of requirements.lock of the engine that wrote it")
    what = f"{name}: is damaged or not a DuckDB database ({type(error).__name__})"
    again = f"mv {path} {path}.damaged && {examined.command('load')}, then `run` scores again"
    return broken(what, f"restore it from a backup; without one: {again}")


@contextmanager
def opened(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
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
    """Tables that the project builds together are all there, or none of them is."""
    with opened(examined.home) as con:
        there = tables_of(con)
        to_add = [*missing_columns(con), *chain(*missing(con).values())]
        newest = None
        if "marts.clv_batches" in there:
            (newest,) = con.execute("select max(cutoff) from marts.clv_batches").fetchone() or (0,)
    plain = f"CLV_HOME={shlex.quote(str(examined.home.root))} dbt build --selector load"
    # selector -> a table that is there once it was built, and what builds it again
    remedies = {
        "load": ("raw.files", f"cd {shlex.quote(str(PROJECT))} && {plain}"),
        "ledger": ("marts.clv_batches", examined.command("promote MODEL_ID of the champion")),
        "batch": ("marts.clv_batches", examined.command(f"run --cutoff {newest}")),
        "monitor": ("marts.drift_report", examined.command("run")),
    }
    if to_add:
        what = f"an earlier version made the warehouse: the next command adds {', '.join(to_add)}"
        yield warning(what, examined.command("status"))
    reported = set(to_add)
    for selector, built in DbtProject(examined.home).tables(remedies).items():
        sign, remedy = remedies[selector]
        lost = built - there - reported if sign in there else set[str]()
        if lost:
            yield broken(f"missing: {', '.join(sorted(lost))}", remedy)
            reported |= lost
    yield ok(f"{len(there)} tables and views")


def loaded(examined: Examined) -> Iterator[Finding]:
    """The warehouse holds the rows of the files as they are now."""
    source = examined.config.source
    with opened(examined.home) as con:
        if is_up_to_date(con, examined.home, source):
            yield ok("the warehouse holds the files of source.files")
        else:
            what = "files of source.files are new, replaced or gone, or are to be read otherwise"
            yield warning(f"{what} since the last load", examined.command("load"))


def doubts(examined: Examined) -> Iterator[Finding]:
    """Nothing in the delivered files looks wrong; what does is a question, no failure."""
    with opened(examined.home) as con:
        if missing_doubts(con):
            raise NotCheckedError("the next command brings the warehouse to this version first")
        doubted = doubts_of(con)
    for one in doubted:
        yield warning(f"{one.file}: {one.words}", one.remedy)
    yield ok("nothing looks wrong in the newest load")


def ledger(examined: Examined) -> Iterator[Finding]:
    """Manifest, cards and artefacts have the hashes that the ledger names."""
    home = examined.home
    rows = manifest.read_manifest(home)
    for row in rows:
        restore = examined.command(f"reproduce {row.model_id} --restore")
        for check, remedy in ((manifest.check_card, None), (manifest.check_artefact, restore)):
            try:
                check(home, row)
            except EngineError as error:
                yield of_error(error, remedy)
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


def days(examined: Examined) -> Iterator[Finding]:
    """Every batch and every measurement stands on days that the data has."""
    with opened(examined.home) as con:
        if missing_views(con):
            raise NotCheckedError("the next command brings the warehouse to this version first")
        newest = state.newest_day(con)
        beyond = find_beyond_data(con, examined.home, examined.config.run.last_score_cutoff)
    if beyond is not None and beyond.can_be_taken_back:
        yield warning(beyond.problem, examined.command(COMMAND))
    if beyond is not None and beyond.models:
        yield warning(beyond.model_problem, examined.command("train"))
    yield ok(f"the data reaches {newest}")


def exported(examined: Examined) -> Iterator[Finding]:
    """Every batch of the champions has its files."""
    home, purged = examined.home, purged_files(examined.home)
    parquet = examined.config.exports.parquet
    with opened(home) as con:
        if missing_views(con) or missing_verdicts(con):
            raise NotCheckedError("the next command brings the warehouse to this version first")
        batches = exports.batches(con)
        paths = [
            path
            for batch in batches
            for path in exports.files_of_batch(con, home, batch, purged, parquet=parquet)
        ]
    missing = [path for path in paths if not path.exists()]
    if missing:
        what = f"{len(missing)} of {len(paths)} files are missing, such as {missing[0].name}"
        yield warning(what, examined.command("run"))
    else:
        yield ok(f"{len(batches)} batch(es) with their files")


def forgotten(examined: Examined) -> Iterator[Finding]:
    """It is known who was forgotten, and the warehouse holds none of these customers."""
    home = examined.home
    stones = read_tombstones(home)
    if stones.forgotten:
        with opened(home) as con:
            if stones.not_applied(con):
                what = "a `forget` was stopped, or the warehouse is from before it"
                yield warning(what, examined.command("load"))
                return
    yield ok(f"{len(stones.forgotten)} customer(s) forgotten")
