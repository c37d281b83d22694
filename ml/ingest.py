"""Delivered files into the warehouse. Owns the tables of schema `raw`.

A file is known by its content: the same bytes are loaded once, whatever their name; a file that
was replaced or removed takes its rows with it. Values are read safely into fixed types; what
cannot be read becomes NULL and is kept as text in `unreadable`. Which rows are refused, and why,
is decided in the staging models.
"""

import csv
import difflib
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from ml.config import Source, source_files
from ml.errors import CallError, DataNotReadyError
from ml.files import sha256_of
from ml.home import Home
from ml.ragged_lines import keep_ragged_lines, reader_options

READING_VERSION = 2
MONEY = "decimal(18, 4)"
IDENTIFIERS = ("customer_id", "order_id", "product_id")
NUMBERS = ("quantity", "unit_price", "amount")
UNREADABLE = (
    duckdb.InvalidInputException,
    duckdb.IOException,
    duckdb.ConversionException,
    duckdb.InternalException,
    csv.Error,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
)

SCHEMA = """
create schema if not exists raw;
create table if not exists raw.files (
    file_id integer not null,
    file_name varchar not null,
    content_sha256 varchar not null,
    reading_sha256 varchar not null,
    row_count bigint not null,
    first_day date,
    last_day date,
    loaded_on date not null,
    load_id integer not null,
    is_current boolean not null
);
create table if not exists raw.transactions (
    file_id integer not null,
    file_row bigint not null,
    customer_id varchar,
    order_id varchar,
    ordered_at timestamp,
    product_id varchar,
    quantity decimal(18, 4),
    unit_price decimal(18, 4),
    amount decimal(18, 4),
    unreadable varchar
);
create table if not exists raw.training_requests (
    training_cutoff date not null,
    history_months integer not null,
    pred_months integer not null
);
"""


@dataclass(frozen=True)
class LoadResult:
    """Names of the files a load took in, and of those whose rows it took out."""

    files_loaded: list[str]
    files_removed: list[str]


def is_up_to_date(con: duckdb.DuckDBPyConnection, home: Home, source: Source) -> bool:
    """Whether `raw` holds exactly the rows of the config's files."""
    loaded = con.execute(
        "select 1 from information_schema.tables"
        " where table_schema = 'raw' and table_name = 'files'"
    ).fetchone()
    if loaded is None:
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
    con.execute(SCHEMA)
    con.execute("set timezone = 'UTC'")
    wanted, current = _contents(home, source), _current(con, source)
    load_id = _next(con, "load_id")
    kept = [file_id for content, file_id in current.items() if content in wanted]
    removed = _remove_others(con, kept, load_id)
    new = {content: path for content, path in wanted.items() if content not in current}
    for content, path in new.items():
        progress(f"loading {home.relative(path)}")
        _load(con, home, source, path, (content, load_id))
    return LoadResult([home.relative(path) for path in new.values()], removed)


def _contents(home: Home, source: Source) -> dict[str, Path]:
    """sha256 to path of the config's files; of equal files the first in name order."""
    found: dict[str, Path] = {}
    for path in source_files(home, source):
        found.setdefault(sha256_of(path), path)
    return found


def _reading_sha256(source: Source) -> str:
    """Changes when the same bytes would be read into other rows."""
    reading = [READING_VERSION, source.columns.delivered(), source.timezone]
    return hashlib.sha256(json.dumps(reading).encode()).hexdigest()


def _current(con: duckdb.DuckDBPyConnection, source: Source) -> dict[str, int]:
    """sha256 to file_id of the files whose rows are in `raw` as the config reads them."""
    return dict(
        con.execute(
            "select content_sha256, file_id from raw.files where is_current and reading_sha256 = ?",
            [_reading_sha256(source)],
        ).fetchall()
    )


def _read_otherwise(con: duckdb.DuckDBPyConnection, source: Source) -> bool:
    """Whether rows stand in `raw` that were read with another mapping or time zone."""
    found = con.execute(
        "select 1 from raw.files where is_current and reading_sha256 <> ? limit 1",
        [_reading_sha256(source)],
    ).fetchone()
    return found is not None


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
    *,
    is_ragged: bool = False,
) -> None:
    """Load one file; a csv that a plain scan refuses is read again as one with ragged lines."""
    content, load_id = stamp
    today = datetime.now(ZoneInfo(source.timezone)).date()
    name, file_id = home.relative(path), _next(con, "file_id")
    try:
        reader, row = _reader(path, is_ragged=is_ragged)
        types = {
            column: kind
            for column, kind, *_ in con.execute(
                f"describe select * from {reader}", [str(path)]
            ).fetchall()
        }
        _check_columns(source, types, name)
        selected = ", ".join(f"{sql} as {ours}" for ours, sql in _columns(source, types).items())
        con.execute(
            f"insert into raw.transactions by name"
            f" select {file_id} as file_id, {row} as file_row, {selected} from {reader}",
            [str(path)],
        )
        if is_ragged:
            keep_ragged_lines(con, file_id, path, _delimiter(path), name)
    except UNREADABLE as error:
        if _is_csv(path) and not is_ragged and _may_be_ragged(error):
            _load(con, home, source, path, stamp, is_ragged=True)
            return
        reason = str(error).splitlines()[0][:200]
        if "sniffing" in reason:
            reason = "the quotes or the ends of its lines are not of one kind"
        raise DataNotReadyError(
            f"{name}: cannot be read ({reason}); deliver the file again, in UTF-8"
        ) from None
    con.execute(
        "insert into raw.files select ?, ?, ?, ?, count(*), min(ordered_at)::date,"
        " max(ordered_at)::date, ?, ?, true from raw.transactions where file_id = ?",
        [file_id, name, content, _reading_sha256(source), today, load_id, file_id],
    )
    (rows,) = con.execute(
        "select row_count from raw.files where file_id = ?", [file_id]
    ).fetchone() or (0,)
    if not rows:
        raise DataNotReadyError(f"{name}: holds no rows; remove it or deliver it again")


def _may_be_ragged(error: Exception) -> bool:
    return isinstance(error, duckdb.InvalidInputException) and "Invalid unicode" not in str(error)


def _is_csv(path: Path) -> bool:
    return path.suffix != ".parquet"


def _reader(path: Path, *, is_ragged: bool = False) -> tuple[str, str]:
    """Table function for the file, its path a parameter, and its 1-based row number.

    Raises EOFError when the file is empty or a gz archive is cut off.
    """
    if not _is_csv(path):
        return "read_parquet($1, file_row_number = true)", "file_row_number + 1"
    # the dialect is fixed: one that is guessed from the rows may skip some of them
    delimiter = _delimiter(path)
    dialect = f"delim = '{delimiter}', quote = '\"', escape = '\"', comment = '', skip = 0"
    dialect += reader_options(path, delimiter) if is_ragged else ", all_varchar = true"
    return f"read_csv($1, header = true, {dialect})", "row_number() over ()"


def _delimiter(path: Path) -> str:
    """The delimiter that splits the header into most columns."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        header = file.readline().decode("latin-1")
        while path.suffix == ".gz" and file.read(1 << 20):  # to the end: DuckDB misses a cut
            pass
    if not header:
        raise EOFError("it is empty")
    return max(",;\t|", key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter))))


def _check_columns(source: Source, types: dict[str, str], name: str) -> None:
    for ours, yours in source.columns.delivered().items():
        if yours not in types:
            known = [column for column in types if column != "file_row_number"]
            near = difflib.get_close_matches(yours, known, 1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, known))}"
            raise CallError(f"{name}: no column {yours!r} (source.columns.{ours}); {hint}")


def _columns(source: Source, types: dict[str, str]) -> dict[str, str]:
    """SQL for each column of raw.transactions, by our name."""
    delivered = source.columns.delivered()
    read: dict[str, str] = {}
    for ours, yours in delivered.items():
        quoted, kind = _quoted(yours), types[yours]
        if ours in IDENTIFIERS:
            read[ours] = _text(quoted, kind)
        elif ours in NUMBERS:
            read[ours] = f"try_cast({quoted} as {MONEY})"
        else:
            read[ours] = _local_time(quoted, kind, source.timezone)
    values = dict(read)
    if "amount" not in read:
        # a price such as 10/3 is exact only as a product: round once, after it
        quantity, price = (_quoted(delivered[column]) for column in ("quantity", "unit_price"))
        product = f"try_cast({quantity} as double) * try_cast({price} as double)"
        values["amount"] = f"try_cast({product} as {MONEY})"
    lost = ", ".join(
        f"case when {sql} is null then '{ours}=' || left({_quoted(delivered[ours])}::varchar, 200)"
        " end"
        for ours, sql in read.items()
        if ours not in IDENTIFIERS
    )
    values["unreadable"] = f"nullif(concat_ws('; ', {lost}), '')"
    return values


def _text(column: str, kind: str) -> str:
    """An identifier as text; whole numbers that came as floats lose their `.0`."""
    if kind in ("DOUBLE", "FLOAT"):
        return (
            f"case when {column} = trunc({column}) and abs({column}) < 9e15"
            f" then {column}::bigint::varchar else {column}::varchar end"
        )
    return f"{column}::varchar"


def _local_time(column: str, kind: str, timezone: str) -> str:
    """A timestamp in local time of the zone; text with an offset is converted, without is local."""
    zone = timezone.replace("'", "''")
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('{zone}', {column})"
    if kind != "VARCHAR":
        return f"try_cast({column} as timestamp)"
    offset = r"[0-9]\s*(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$"
    return (
        f"case when {column} like '%:%' and regexp_matches({column}, '{offset}')"
        f" then timezone('{zone}', try_cast({column} as timestamptz))"
        f" else try_cast({column} as timestamp) end"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
