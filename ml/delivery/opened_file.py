"""A delivered file that DuckDB can read: its dialect, its columns and their types.

A CSV with lines that have more or fewer values than its header is read a second time, as one with
ragged lines.
"""

import csv
import difflib
import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ml.delivery.encodings import EmptyFileError, open_bytes, text_layout
from ml.delivery.file_kinds import PARQUET, TEXT, is_packed, kind_of
from ml.delivery.ragged_lines import reader_options
from ml.delivery.readable_files import ReadableFile, readable
from ml.delivery.source_files import SourceFile
from ml.delivery.text_layout import DELIMITERS
from ml.home.config import Source
from ml.home.errors import CallError

ROW_OF_PARQUET = "file_row_number"
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


# types that values are read from as they are; any other is read as its text
READ_AS_THEY_ARE = ("VARCHAR", "BOOLEAN", "DATE", "FLOAT", "DOUBLE", "HUGEINT", "UHUGEINT")
STARTS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
STARTS += ("UBIGINT", "DECIMAL(", "TIMESTAMP")


@dataclass(frozen=True)
class OpenFile:
    """A file as DuckDB reads it: table function (path = $1), row number, DuckDB's column types.

    whole_numbers: columns in which a program wrote whole numbers as floats (13085.0). lines_before:
    lines of the delivered text before its header. others: files of one shape that are read with it.
    """

    path: Path
    reader: str
    row_number: str
    types: dict[str, str]
    whole_numbers: frozenset[str]
    is_ragged: bool
    lines_before: int = 0
    others: tuple[Path, ...] = ()

    @property
    def parameter(self) -> str | list[str]:
        """What $1 is in `reader`."""
        if self.others:
            return list(map(as_no_pattern, (self.path, *self.others)))
        return as_no_pattern(self.path)

    @property
    def carries_row_numbers(self) -> bool:
        """Whether rows know their number, and may be read in any order."""
        return not self.row_number.endswith("over ()")

    def check_columns(self, source: Source, name: str) -> None:
        """Raises CallError for a mapped column that the file does not have."""
        wanted = {f"source.columns.{ours}": one for ours, one in source.columns.delivered().items()}
        wanted |= {f"source.keep.{column}": column for column in source.keep}
        wanted |= {f"source.drop.{column}": column for column in source.drop}
        for key, yours in wanted.items():
            if yours not in self.types:
                near = difflib.get_close_matches(yours, self.types, 1, cutoff=0.4)
                hint = (
                    f"did you mean {near[0]!r}?"
                    if near
                    else f"the file has {', '.join(map(repr, self.types))}"
                )
                raise CallError(f"{name}: no column {yours!r} ({key})", hint)


def read_file(
    con: duckdb.DuckDBPyConnection, source: Source, file: ReadableFile, use: Callable[[OpenFile], T]
) -> T:
    """Open the file and return what `use` makes of it; a CSV that fails is opened as ragged.

    Raises one of UNREADABLE for a file that cannot be read, EmptyFileError for an empty one.
    """
    try:
        return use(_opened(con, source, file, is_ragged=False))
    except UNREADABLE as error:
        if not (_is_csv(file.path) and _may_be_ragged(error)):
            raise
    return use(_opened(con, source, file, is_ragged=True))


def use_rows(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    of_path: Mapping[str, str | None],
    use: Callable[[duckdb.DuckDBPyRelation], T],
) -> T:
    """What `use` makes of the rows of parquet or a CSV in UTF-8, before values are converted.

    of_path: values of the folders above it, which are columns where the file has none of the name.
    Lines of a CSV with more or fewer values than its header are left out: `use` is called again
    where it met one.
    """
    try:
        return use(_delivered_rows(con, path, of_path, is_ragged=False))
    except UNREADABLE as error:
        if not (_is_csv(path) and _may_be_ragged(error)):
            raise
    return use(_delivered_rows(con, path, of_path, is_ragged=True))


def _delivered_rows(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    of_path: Mapping[str, str | None],
    *,
    is_ragged: bool,
) -> duckdb.DuckDBPyRelation:
    reader, _, types = reader_of(con, path, of_path, is_ragged=is_ragged)
    names = ", ".join(map(quoted, types))
    return con.sql(f"select {names} from {reader}", params=[as_no_pattern(path)])


def columns_beside(file: SourceFile, encoding: str) -> set[str]:
    """The columns in the file itself, without those of its path; none where it cannot be read."""
    try:
        if file.kind == PARQUET and file.member is None:
            return set(pq.read_schema(file.path).names)
        if file.kind == TEXT and file.member is None and text_layout(file.path, encoding).is_plain:
            return set(header_cells(file.path))
        with (
            TemporaryDirectory() as folder,
            readable(file, encoding, Path(folder)) as text,
            duckdb.connect() as con,
        ):
            return set(reader_of(con, text.path, {})[2])
    except (*UNREADABLE, pa.ArrowException):
        return set()


def as_no_pattern(path: Path) -> str:
    """A path for DuckDB, which takes a path with one of *?[ for a pattern.

    A backslash beside one of them cannot be written: such names are refused.
    """
    text = str(path)
    if not set(text) & set("*?["):
        return text
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in text)


def _opened(
    con: duckdb.DuckDBPyConnection, source: Source, file: ReadableFile, *, is_ragged: bool
) -> OpenFile:
    path, delivered = file.path, source.columns.delivered()
    # names of folders stay where they are when a customer is forgotten: no customer is read there
    of_path = {key: said for key, said in file.of_path.items() if key != delivered["customer_id"]}
    reader, row_number, types = reader_of(con, path, of_path, is_ragged=is_ragged)
    texts = [
        delivered[ours]
        for ours in IDENTIFIERS
        if ours in delivered and types.get(delivered[ours]) == "VARCHAR"
    ]
    whole = frozenset(name for name in texts if _is_whole_numbers(con, reader, path, name))
    return OpenFile(path, reader, row_number, types, whole, is_ragged, file.lines_before)


def _is_whole_numbers(con: duckdb.DuckDBPyConnection, reader: str, path: Path, column: str) -> bool:
    """Whether every filled cell is digits and `.0`: only then two ids cannot become one."""
    cell = quoted(column)
    other = con.execute(
        f"select 1 from {reader} where {cell} is not null"
        f" and not regexp_full_match({cell}, '[0-9]+[.]0') limit 1",
        [as_no_pattern(path)],
    )
    return other.fetchone() is None


def _may_be_ragged(error: Exception) -> bool:
    return isinstance(error, duckdb.InvalidInputException) and "Invalid unicode" not in str(error)


def _is_csv(path: Path) -> bool:
    return kind_of(path.name) != PARQUET


def reader_of(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    of_path: Mapping[str, str | None],
    *,
    is_ragged: bool = False,
) -> tuple[str, str, dict[str, str]]:
    """SQL of the rows (path = $1), of their 1-based number, and the types of the columns.

    Raises EmptyFileError when the file is empty, EOFError when a gz archive is cut off.
    """
    function, row_number = table_function(path, is_ragged=is_ragged)
    types = described(con, function, path)
    own = {column.casefold() for column in types}
    if ROW_OF_PARQUET in own:  # a column of the file has the name of DuckDB's row number
        row_number = "row_number() over ()"
    added = {key: literal(text) for key, text in of_path.items() if key.casefold() not in own}
    numbers = [ROW_OF_PARQUET] if row_number.startswith(ROW_OF_PARQUET) else []
    reader = with_columns(function, types, added, numbers)
    texts = dict.fromkeys([*odd_columns(types), *added], "VARCHAR")
    return reader, row_number, types | texts


def described(con: duckdb.DuckDBPyConnection, function: str, path: Path) -> dict[str, str]:
    """Columns of a file and their types, as the table function reads it."""
    columns = con.execute(f"describe select * from {function}", [as_no_pattern(path)]).fetchall()
    return {column: kind for column, kind, *_ in columns}


def with_columns(
    function: str, types: dict[str, str], added: dict[str, str], numbers: list[str]
) -> str:
    """The rows with odd columns as text and columns `added` (SQL by name), if there are any.

    numbers: columns of DuckDB about the place of a row, which the rows need besides.
    """
    texts = odd_columns(types)
    if not (texts or added):
        return function
    replaced = ", ".join(f"{sql} as {quoted(column)}" for column, sql in texts.items())
    columns = [f"* replace ({replaced})" if texts else "*"]
    columns += [f"{sql} as {quoted(key)}" for key, sql in added.items()]
    return f"(select {', '.join([*columns, *numbers])} from {function})"


def odd_columns(types: dict[str, str]) -> dict[str, str]:
    """SQL of the text of each column that is not read as what it is."""
    return {column: _as_text(column, kind) for column, kind in types.items() if _is_odd(kind)}


def _is_odd(kind: str) -> bool:
    """Whether values of the type are read as their text; lists end in []."""
    return kind.endswith("]") or not (kind in READ_AS_THEY_ARE or kind.startswith(STARTS))


def _as_text(column: str, kind: str) -> str:
    """SQL of a text: bytes are text that was written without saying so."""
    text = f"{quoted(column)}::varchar"
    return f"coalesce(try(decode({quoted(column)})), {text})" if kind == "BLOB" else text


def table_function(path: Path, *, is_ragged: bool) -> tuple[str, str]:
    """Table function for the file, its path a parameter, and its 1-based row number."""
    if not _is_csv(path):
        return "read_parquet($1, hive_partitioning = false)", f"{ROW_OF_PARQUET} + 1"
    # the dialect is fixed: one that is guessed from the rows may skip some of them
    delimiter = delimiter_of(path)
    dialect = f"delim = '{delimiter}', quote = '\"', escape = '\"', comment = '', skip = 0"
    dialect += reader_options(path, delimiter) if is_ragged else ", all_varchar = true"
    packing = "gzip" if is_packed(path) else "none"
    dialect += f", compression = '{packing}', hive_partitioning = false"
    return f"read_csv($1, header = true, {dialect})", "row_number() over ()"


def delimiter_of(path: Path) -> str:
    """The delimiter that splits the first line into most columns.

    Raises EmptyFileError when it is empty, EOFError when a gz archive is cut off.
    """
    return max(_first_lines(path).items(), key=lambda pair: len(pair[1]))[0]


def header_cells(path: Path) -> list[str]:
    """The cells of the first line of a text in UTF-8. Raises as delimiter_of() does."""
    cells = max(_first_lines(path).values(), key=len)
    return [cell.encode("latin-1").decode("utf-8-sig", "replace") for cell in cells]


def _first_lines(path: Path) -> dict[str, list[str]]:
    """The cells of the first line by each delimiter, every byte a character."""
    with open_bytes(path) as file:
        header = file.readline().decode("latin-1")
        while is_packed(path) and file.read(1 << 20):  # to the end: DuckDB misses a cut
            pass
    if not header:
        raise EmptyFileError("it is empty")
    if "\0" in header:  # zeros where a disk lost what was there, or UTF-16 without its mark
        raise csv.Error("its header is no text in UTF-8")
    return {one: next(csv.reader([header], delimiter=one)) for one in DELIMITERS}


def reason_of(error: Exception) -> str:
    """Why a file cannot be read, in one line."""
    reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
    if "sniffing" in reason:
        return "the quotes or the ends of its lines are not of one kind"
    return reason


def quoted(name: str) -> str:
    """A column name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | None) -> str:
    """A text in SQL."""
    return "null::varchar" if text is None else "'" + text.replace("'", "''") + "'"
