"""Delivered files into the warehouse. Owns the tables of schema `raw`.

A file is known by its content: the same bytes are loaded once, whatever their name; a file that
was replaced or removed takes its rows with it. Which rows are refused, and why, is decided in the
staging models.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import duckdb

from ml.delivery.encodings import as_utf8
from ml.delivery.line_values import lines
from ml.delivery.opened_file import UNREADABLE, OpenFile, delimiter_of, read_file
from ml.delivery.ragged_lines import keep_ragged_lines
from ml.delivery.source_files import source_files
from ml.delivery.tombstones import Tombstones, create_tables, read_tombstones
from ml.home.config import USUAL_DECIMALS, Source
from ml.home.errors import DataNotReadyError
from ml.home.files import sha256_of
from ml.home.layout import Home
from ml.warehouse.money_types import set_money_decimals
from ml.warehouse.queries import Queries
from ml.warehouse.tables import has_table

READING_VERSION = 4

QUERIES = Queries(__file__)


@dataclass(frozen=True)
class LoadResult:
    """Names of the files a load took in, and of those whose rows it took out."""

    files_loaded: list[str]
    files_removed: list[str]


def is_up_to_date(con: duckdb.DuckDBPyConnection, home: Home, source: Source) -> bool:
    """Whether `raw` holds exactly the rows of the config's files."""
    if not has_table(con, "raw.files"):
        return False
    return set(_contents(home, source)) == set(_current(con, source)) and not _read_otherwise(
        con, source
    )


def load_files(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    source: Source,
    progress: Callable[[str], None] = lambda _: None,
) -> LoadResult:
    """Bring `raw` in line with the files of the config.

    Raises CallError for a missing file or column, DataNotReadyError for a file that is empty or
    cannot be read; both name it.
    """
    con.execute(QUERIES["raw_tables"])
    create_tables(con)
    con.execute("set timezone = 'UTC'")
    wanted, current = _contents(home, source), _current(con, source)
    load_id, tombstones = _next(con, "load_id"), read_tombstones(home)
    if load_id == 1:
        tombstones.mark_applied(con)
    kept = [file_id for content, file_id in current.items() if content in wanted]
    removed = _remove_others(con, kept, load_id)
    set_money_decimals(con, source.money_decimals)
    new = {content: path for content, path in wanted.items() if content not in current}
    for content, path in new.items():
        progress(f"loading {home.relative(path)}")
        _load(con, home, source, path, (content, load_id), tombstones)
    return LoadResult([home.relative(path) for path in new.values()], removed)


def _contents(home: Home, source: Source) -> dict[str, Path]:
    """The config's files by their sha256; of equal files the first by name."""
    paths: dict[str, Path] = {}
    for path in source_files(home, source):
        paths.setdefault(sha256_of(path), path)
    return paths


def _reading_sha256(source: Source) -> str:
    """A hash that changes when the same bytes would give other rows."""
    settings = [READING_VERSION, source.columns.delivered(), source.timezone]
    settings += [source.encoding, source.timestamp_format]
    if source.decimal_separator != ".":
        settings.append(source.decimal_separator)
    if source.money_decimals != USUAL_DECIMALS:
        settings.append(f"money_decimals {source.money_decimals}")
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()


def _current(con: duckdb.DuckDBPyConnection, source: Source) -> dict[str, int]:
    """sha256 to file_id of the files whose rows are in `raw` as the config reads them."""
    return dict(
        con.execute(
            "select content_sha256, file_id from raw.files where is_current and reading_sha256 = ?",
            [_reading_sha256(source)],
        ).fetchall()
    )


def _read_otherwise(con: duckdb.DuckDBPyConnection, source: Source) -> bool:
    """Whether rows stand in `raw` that were read in another way."""
    other = con.execute(
        "select 1 from raw.files where is_current and reading_sha256 <> ? limit 1",
        [_reading_sha256(source)],
    ).fetchone()
    return other is not None


def _next(con: duckdb.DuckDBPyConnection, column: str) -> int:
    (last,) = con.execute(f"select coalesce(max({column}), 0) from raw.files").fetchone() or (0,)
    return int(last) + 1


def _remove_others(con: duckdb.DuckDBPyConnection, kept: list[int], load_id: int) -> list[str]:
    """Take out the rows of current files that are not kept; their days must be built again."""
    gone = con.execute(
        "update raw.files set is_current = false, load_id = ?"
        " where is_current and not list_contains(?::integer[], file_id)"
        " returning file_id, file_name",
        [load_id, kept],
    ).fetchall()
    for file_id, _ in gone:
        con.execute("delete from raw.transactions where file_id = ?", [file_id])
    return [name for _, name in gone]


def _load(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    source: Source,
    path: Path,
    stamp: tuple[str, int],
    tombstones: Tombstones,
) -> None:
    content, load_id = stamp
    today = datetime.now(ZoneInfo(source.timezone)).date()
    name, file_id = home.relative(path), _next(con, "file_id")

    def insert(file: OpenFile) -> int:
        file.check_columns(source, name)
        left_out = _insert(con, file, lines(file, source, file_id), tombstones)
        if file.is_ragged:
            keep_ragged_lines(con, file_id, file.path, delimiter_of(file.path), name, left_out)
        return left_out

    try:
        with as_utf8(path, source.encoding, home.build) as readable:
            forgotten = read_file(con, source, readable, insert)
    except UNREADABLE as error:
        raise _not_readable(name, source, error) from None
    con.execute(
        "insert into raw.files select ?, ?, ?, ?, count(*), min(ordered_at)::date,"
        " max(ordered_at)::date, ?, ?, true from raw.transactions where file_id = ?",
        [file_id, name, content, _reading_sha256(source), today, load_id, file_id],
    )
    (rows,) = con.execute(
        "select row_count from raw.files where file_id = ?", [file_id]
    ).fetchone() or (0,)
    if forgotten:
        con.execute("insert into raw.forgotten_lines values (?, ?)", [file_id, forgotten])
    elif not rows:
        raise DataNotReadyError(f"{name}: holds no rows", "remove it or deliver it again")


def _insert(
    con: duckdb.DuckDBPyConnection, file: OpenFile, lines: str, tombstones: Tombstones
) -> int:
    """Rows of the file into raw.transactions; returns how many of forgotten customers it left."""
    values: list[object] = [str(file.path)]
    forgotten = tombstones.ids_among(con, lines, [str(file.path)])
    if forgotten:
        # rows are left out before they are written: free pages would keep them
        lines = f"select * from ({lines}) where not coalesce(customer_id in $2, false)"
        values.append(list(forgotten))
    # rows of parquet files carry their number: they may come in any order, which is cheaper
    con.execute(f"set preserve_insertion_order = {file.path.suffix != '.parquet'}")
    con.execute(f"insert into raw.transactions by name {lines}", values)
    return sum(forgotten.values())


def check_file(con: duckdb.DuckDBPyConnection, home: Home, source: Source, path: Path) -> None:
    """Read the header of a delivered file.

    Raises CallError for a missing column, DataNotReadyError for a file that cannot be read.
    """
    name = home.relative(path)
    try:
        with TemporaryDirectory() as folder, as_utf8(path, source.encoding, Path(folder)) as text:
            read_file(con, source, text, lambda file: file.check_columns(source, name))
    except UNREADABLE as error:
        raise _not_readable(name, source, error) from None


def _not_readable(name: str, source: Source, error: Exception) -> DataNotReadyError:
    reason = str(error).splitlines()[0][:200]
    if "sniffing" in reason:
        reason = "the quotes or the ends of its lines are not of one kind"
    return DataNotReadyError(
        f"{name}: cannot be read ({reason})",
        f"deliver the file again, in UTF-8 or in the encoding of source.encoding "
        f"({source.encoding})",
    )
