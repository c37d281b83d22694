"""A delivered file that DuckDB can read: its dialect, its columns and their types.

A CSV with lines that have more or fewer values than its header is read a second time, as one with
ragged lines.
"""

import csv
import difflib
import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb

from ml.delivery.ragged_lines import reader_options
from ml.home.config import Source
from ml.home.errors import CallError

IDENTIFIERS = ("customer_id", "order_id", "parent_order_id", "product_id")
UNREADABLE = (
    duckdb.InvalidInputException,
    duckdb.IOException,
    duckdb.ConversionException,
    duckdb.InternalException,
    csv.Error,
    gzip.BadGzipFile,
    zlib.error,
    UnicodeDecodeError,
    EOFError,
)

T = TypeVar("T")


@dataclass(frozen=True)
class OpenFile:
    """A file as DuckDB reads it: table function (path = $1), row number, DuckDB's column types.

    whole_numbers: columns in which a program wrote whole numbers as floats (13085.0).
    """

    path: Path
    reader: str
    row_number: str
    types: dict[str, str]
    whole_numbers: frozenset[str]
    is_ragged: bool

    def check_columns(self, source: Source, name: str) -> None:
        """Raises CallError for a mapped column that the file does not have."""
        wanted = {f"source.columns.{ours}": one for ours, one in source.columns.delivered().items()}
        wanted |= {f"source.keep.{column}": column for column in source.keep}
        wanted |= {f"source.drop.{column}": column for column in source.drop}
        for key, yours in wanted.items():
            if yours not in self.types:
                known = [column for column in self.types if column != "file_row_number"]
                near = difflib.get_close_matches(yours, known, 1, cutoff=0.4)
                hint = (
                    f"did you mean {near[0]!r}?"
                    if near
                    else f"the file has {', '.join(map(repr, known))}"
                )
                raise CallError(f"{name}: no column {yours!r} ({key})", hint)


def read_file(
    con: duckdb.DuckDBPyConnection, source: Source, path: Path, use: Callable[[OpenFile], T]
) -> T:
    """Open the file and return what `use` makes of it; a CSV that fails is opened as ragged.

    path: parquet, or CSV in UTF-8. Raises one of UNREADABLE for a file that cannot be read.
    """
    try:
        return use(_opened(con, source, path, is_ragged=False))
    except UNREADABLE as error:
        if not (_is_csv(path) and _may_be_ragged(error)):
            raise
    return use(_opened(con, source, path, is_ragged=True))


def delivered_rows(con: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    """The rows of a parquet file, or of a CSV in UTF-8 (all text), before values are converted."""
    reader, _ = _reader(path, is_ragged=False)
    rows = con.sql(f"select * from {reader}", params=[str(path)])
    return rows.select(*(quoted(name) for name in rows.columns if name != "file_row_number"))


def _opened(
    con: duckdb.DuckDBPyConnection, source: Source, path: Path, *, is_ragged: bool
) -> OpenFile:
    reader, row_number = _reader(path, is_ragged=is_ragged)
    described = con.execute(f"describe select * from {reader}", [str(path)]).fetchall()
    types = {column: kind for column, kind, *_ in described}
    delivered = source.columns.delivered()
    texts = [
        delivered[ours]
        for ours in IDENTIFIERS
        if ours in delivered and types.get(delivered[ours]) == "VARCHAR"
    ]
    whole = frozenset(name for name in texts if _is_whole_numbers(con, reader, path, name))
    return OpenFile(path, reader, row_number, types, whole, is_ragged)


def _is_whole_numbers(con: duckdb.DuckDBPyConnection, reader: str, path: Path, column: str) -> bool:
    """Whether every filled cell is digits and `.0`: only then two ids cannot become one."""
    cell = quoted(column)
    other = con.execute(
        f"select 1 from {reader} where {cell} is not null"
        f" and not regexp_full_match({cell}, '[0-9]+[.]0') limit 1",
        [str(path)],
    )
    return other.fetchone() is None


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
    delimiter = delimiter_of(path)
    dialect = f"delim = '{delimiter}', quote = '\"', escape = '\"', comment = '', skip = 0"
    dialect += reader_options(path, delimiter) if is_ragged else ", all_varchar = true"
    return f"read_csv($1, header = true, {dialect})", "row_number() over ()"


def delimiter_of(path: Path) -> str:
    """The delimiter that splits the header into most columns."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        header = file.readline().decode("latin-1")
        while path.suffix == ".gz" and file.read(1 << 20):  # to the end: DuckDB misses a cut
            pass
    if not header:
        raise EOFError("it is empty")
    return max(",;\t|", key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter))))


def quoted(name: str) -> str:
    """A column name in SQL."""
    return '"' + name.replace('"', '""') + '"'
