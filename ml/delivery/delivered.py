"""A delivered file as rows of `raw.transactions`: its dialect, its columns, its values read safely.

What cannot be read becomes NULL and is kept as text in `unreadable`. A CSV with lines that have
more or fewer values than its header is read a second time, as one with ragged lines.
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

from ml.delivery.decimal_numbers import number_sql
from ml.delivery.ragged_lines import reader_options
from ml.home.config import Source
from ml.home.errors import CallError

MONEY = "decimal(18, 4)"
IDENTIFIERS = ("customer_id", "order_id", "product_id")
NUMBERS = ("quantity", "unit_price", "amount")
FORMATTED = ("VARCHAR", "INTEGER", "BIGINT")
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
        for ours, yours in source.columns.delivered().items():
            if yours not in self.types:
                known = [column for column in self.types if column != "file_row_number"]
                near = difflib.get_close_matches(yours, known, 1, cutoff=0.4)
                hint = (
                    f"did you mean {near[0]!r}?"
                    if near
                    else f"the file has {', '.join(map(repr, known))}"
                )
                raise CallError(f"{name}: no column {yours!r} (source.columns.{ours})", hint)

    def lines(self, source: Source, file_id: int) -> str:
        """SQL of the rows of raw.transactions; path = $1."""
        values = _columns(source, self)
        selected = ", ".join(f"{sql} as {ours}" for ours, sql in values.items())
        return (
            f"select {file_id} as file_id, {self.row_number} as file_row, {selected}"
            f" from {self.reader}"
        )

    def customers(self, source: Source) -> str | None:
        """SQL of file_row, customer_id and its delivered text; None without that column."""
        yours = source.columns.customer_id
        if yours not in self.types:
            return None
        return (
            f"select {self.row_number} as file_row, {self.identifier(yours)} as customer_id,"
            f" {_quoted(yours)}::varchar as delivered_text from {self.reader}"
        )

    def identifier(self, column: str) -> str:
        """SQL of an identifier as text; whole numbers that came as floats lose their `.0`."""
        quoted = _quoted(column)
        if column in self.whole_numbers:
            return f"left({quoted}, -2)"
        if self.types[column] in ("DOUBLE", "FLOAT"):
            return (
                f"case when {quoted} = trunc({quoted}) and abs({quoted}) < 9e15"
                f" then {quoted}::bigint::varchar else {quoted}::varchar end"
            )
        return f"{quoted}::varchar"


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
    return rows.select(*(_quoted(name) for name in rows.columns if name != "file_row_number"))


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
    quoted = _quoted(column)
    other = con.execute(
        f"select 1 from {reader} where {quoted} is not null"
        f" and not regexp_full_match({quoted}, '[0-9]+[.]0') limit 1",
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


def _columns(source: Source, file: OpenFile) -> dict[str, str]:
    """SQL for each column of raw.transactions, by our name."""
    delivered = source.columns.delivered()
    read: dict[str, str] = {}

    def number(yours: str) -> str:
        is_text = file.types[yours] == "VARCHAR"
        return number_sql(_quoted(yours), source.decimal_separator if is_text else ".")

    for ours, yours in delivered.items():
        if ours in IDENTIFIERS:
            read[ours] = file.identifier(yours)
        elif ours in NUMBERS:
            read[ours] = f"try_cast({number(yours)} as {MONEY})"
        else:
            read[ours] = _local_time(_quoted(yours), file.types[yours], source)
    values = dict(read)
    if "amount" not in read:
        # a price such as 10/3 is exact only as a product: round once, after it
        quantity, price = (number(delivered[column]) for column in ("quantity", "unit_price"))
        product = f"try_cast({quantity} as double) * try_cast({price} as double)"
        values["amount"] = f"try_cast({product} as {MONEY})"
    checked = {ours: sql for ours, sql in read.items() if ours not in IDENTIFIERS}
    values["unreadable"] = _unreadable(checked, delivered)
    return values


def _unreadable(read: dict[str, str], delivered: dict[str, str]) -> str:
    """SQL for the text of values that became NULL; put together only where there is one."""
    lost = ", ".join(
        f"case when {sql} is null then '{ours}=' || left({_quoted(delivered[ours])}::varchar, 200)"
        " end"
        for ours, sql in read.items()
    )
    any_lost = " or ".join(f"{sql} is null" for sql in read.values())
    return f"case when {any_lost} then nullif(concat_ws('; ', {lost}), '') end"


def _local_time(column: str, kind: str, source: Source) -> str:
    """SQL of the local time in the zone; text with an offset is converted, other text is local."""
    zone = source.timezone.replace("'", "''")
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('{zone}', {column})"
    if source.timestamp_format is not None and kind in FORMATTED:
        # a text of year, month and day in ISO order is never read otherwise
        form = source.timestamp_format.replace("'", "''")
        iso = _local_time(column, kind, source.model_copy(update={"timestamp_format": None}))
        return f"coalesce(try_strptime({column}::varchar, '{form}'), {iso})"
    if kind != "VARCHAR":
        return f"try_cast({column} as timestamp)"
    # a cast to timestamp would drop what follows the time
    offset = r"(?i)[0-9]\s*(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)\s*$"
    return (
        f"case when {column} like '%:%' and regexp_matches({column}, '{offset}')"
        f" then timezone('{zone}', try_cast({column} as timestamptz))"
        f" else try_cast({column} as timestamp) end"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
