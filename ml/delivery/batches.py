"""Many small files of one shape, read by one statement: days of a shop are many files.

A statement costs as much as reading some thousand lines. Files of one shape have the same header or
the same parquet schema. The rows are those of the files read one by one, with the same numbers.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ml.delivery.encodings import text_layout
from ml.delivery.file_kinds import PARQUET, TEXT, is_packed
from ml.delivery.opened_file import (
    IDENTIFIERS,
    ROW_OF_PARQUET,
    UNREADABLE,
    OpenFile,
    described,
    literal,
    odd_columns,
    quoted,
    table_function,
    with_columns,
)
from ml.delivery.source_files import SourceFile
from ml.home.config import Source

MOST_BYTES, MOST_FILES = 1 << 22, 500
FILE = "file_index"
# the number of a file is in the bits above those of a row
ROW_BITS = 40
T = TypeVar("T")


@dataclass(frozen=True)
class Shape:
    """What files must share to be read together."""

    is_parquet: bool
    header: str
    path_columns: tuple[str, ...]


def in_batches(
    items: Sequence[T],
    file_of: Callable[[T], SourceFile],
    encoding: str,
    names: Collection[str] = (),
) -> Iterator[list[T]]:
    """The items, those whose files have one shape together; one alone where it has none.

    names: columns that the headers are known to have, where no folder has them.
    """
    shapes = [(shape_of(file_of(item), encoding, names), item) for item in items]
    yield from ([item] for shape, item in shapes if shape is None)
    shaped = [(shape, item) for shape, item in shapes if shape is not None]
    for _, group in groupby(sorted(shaped, key=_shape), key=_shape):
        together = [item for _, item in group]
        for first in range(0, len(together), MOST_FILES):
            yield together[first : first + MOST_FILES]


def _shape(pair: tuple[Shape, object]) -> tuple[bool, str, tuple[str, ...]]:
    shape, _ = pair
    return shape.is_parquet, shape.header, shape.path_columns


def shape_of(file: SourceFile, encoding: str, names: Collection[str] = ()) -> Shape | None:
    """The shape of a file; None where it is read alone, because it is large or needs a copy."""
    path = file.path
    if file.member or file.kind not in (PARQUET, TEXT) or path.stat().st_size > MOST_BYTES:
        return None
    if file.kind == PARQUET:
        header = _schema(path)
    else:
        header = _header(path, encoding, set(names) - set(file.of_path))
    if header is None:
        return None
    return Shape(file.kind == PARQUET, header, tuple(sorted(file.of_path)))


def _schema(path: Path) -> str | None:
    try:
        schema = str(pq.read_metadata(path).schema)
    except (pa.ArrowException, OSError):
        return None
    return schema.partition("\n")[2]  # the first line is of Python


def _header(path: Path, encoding: str, names: Collection[str]) -> str | None:
    """The first line of a text that DuckDB reads as it is; None for other texts."""
    if is_packed(path):
        return None
    try:
        is_plain = text_layout(path, encoding, names).is_plain
    except (*UNREADABLE, LookupError):
        return None
    with path.open("rb") as file:
        header = file.readline()
    is_usual = is_plain and header.endswith(b"\n") and not set(header) & set(b'"\0\xef\xbb\xbf')
    return header.decode("latin-1") if is_usual else None


def rows_together(
    con: duckdb.DuckDBPyConnection, files: Sequence[SourceFile]
) -> duckdb.DuckDBPyRelation | None:
    """The rows of files of one shape, not converted; None where they cannot be read together."""
    whole = _open(con, files)
    if whole is None:
        return None
    names = ", ".join(map(quoted, whole.types))
    return con.sql(f"select {names} from {whole.reader}", params=[whole.parameter])


def opened_together(
    con: duckdb.DuckDBPyConnection, source: Source, files: Sequence[SourceFile]
) -> Iterator[tuple[OpenFile, list[int]]]:
    """Files of one shape as one, and their places in `files`; several where ids are read otherwise.

    Rows carry the place of their file, in the bits above those of their number (numbers_in_files).
    Nothing comes where the files cannot be read together.
    """
    customer = source.columns.customer_id  # never read from a path
    whole = _open(con, files, customer)
    if whole is None:
        return
    delivered = source.columns.delivered()
    ids = [delivered[ours] for ours in IDENTIFIERS if ours in delivered]
    texts = [name for name in ids if whole.types.get(name) == "VARCHAR"]
    read: dict[frozenset[str], list[int]] = {}
    for place, names in enumerate(_whole_numbers(con, whole, texts, len(files))):
        read.setdefault(names, []).append(place)
    for names, places in read.items():
        some = _open(con, [files[place] for place in places], customer, names)
        if some is not None:
            yield some, places


def _open(
    con: duckdb.DuckDBPyConnection,
    files: Sequence[SourceFile],
    not_of_path: str | None = None,
    whole_numbers: frozenset[str] = frozenset(),
) -> OpenFile | None:
    first, *others = (file.path for file in files)
    function, row_number = table_function(first, is_ragged=False)
    types = described(con, function, first)
    own = {column.casefold() for column in types}
    if own & {FILE, ROW_OF_PARQUET}:
        return None
    added = {
        key: f"[{', '.join(literal(file.of_path[key]) for file in files)}][{FILE}::bigint + 1]"
        for key in files[0].of_path
        if key.casefold() not in own and key != not_of_path
    }
    numbers = [FILE, ROW_OF_PARQUET] if ROW_OF_PARQUET in row_number else [FILE]
    reader = with_columns(function, types, added, numbers)
    texts = dict.fromkeys([*odd_columns(types), *added], "VARCHAR")
    placed = f"({FILE}::bigint << {ROW_BITS}) + {row_number}"
    return OpenFile(
        first, reader, placed, types | texts, whole_numbers, False, others=tuple(others)
    )


def _whole_numbers(
    con: duckdb.DuckDBPyConnection, file: OpenFile, texts: list[str], count: int
) -> list[frozenset[str]]:
    """Of each file the columns in which every filled cell is digits and `.0`."""
    if not texts:
        return [frozenset()] * count
    checks = ", ".join(
        f"bool_and(coalesce(regexp_full_match({quoted(name)}, '[0-9]+[.]0'), true))"
        for name in texts
    )
    rows = con.execute(
        f"select {FILE}, {checks} from {file.reader} group by {FILE}", [file.parameter]
    ).fetchall()
    names = {
        place: frozenset(name for name, is_whole in zip(texts, whole, strict=True) if is_whole)
        for place, *whole in rows
    }
    # a file without rows is read as the others are
    usual = next(iter(names.values()), frozenset[str]())
    return [names.get(place, usual) for place in range(count)]


def numbers_in_files(lines: str, file: OpenFile, file_ids: str) -> str:
    """SQL of `lines`, which were read from files together, with file_id and file_row of each.

    file_ids: SQL of the list of the ids, by the place of the file.
    """
    place, row = f"(file_row >> {ROW_BITS})", f"(file_row & {(1 << ROW_BITS) - 1})"
    if not file.path.name.lower().endswith(PARQUET.endings):
        # lines of texts are numbered through all files
        row = f"{row} - min({row}) over (partition by {place}) + 1"
    return (
        f"select * from (select * replace ({file_ids}[{place} + 1] as file_id, {row} as file_row)"
        f" from ({lines})) order by file_id, file_row"
    )
