"""Takes rows of customers out of a file; all other rows stay as they were written.

A CSV keeps the bytes of every other record. A Parquet file keeps schema, order, row groups,
compression and dictionaries of its columns.
"""

import codecs
import csv
import gzip
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.delivery.converted_files import json_lines, json_object, json_text
from ml.delivery.encodings import TextLayout
from ml.delivery.file_kinds import is_packed
from ml.delivery.opened_file import as_no_pattern
from ml.home.errors import EngineError
from ml.home.files import place_atomically

# every byte is a character of it and back, so that nothing but whole records changes
BYTES = "latin-1"


def csv_records(lines: Iterable[str], delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """Text and fields of every record; a field in quotes may hold line ends."""
    csv.field_size_limit(sys.maxsize)
    consumed: list[str] = []

    def remembered() -> Iterator[str]:
        for line in lines:
            consumed.append(line)
            yield line

    for fields in csv.reader(remembered(), delimiter=delimiter):
        yield "".join(consumed), fields
        consumed.clear()


def header_of(path: Path) -> list[str]:
    """Names of the columns of a comma-separated file, none when it is empty."""
    with _open(path) as file:
        return next((fields for _, fields in csv_records(file, ",")), [])


def rows_in_csv(path: Path, delimiter: str, position: int, values: Iterable[str]) -> int:
    """Records whose field at `position` is one of `values`."""
    wanted = _as_bytes(values)
    with _open(path) as file:
        return sum(_is_of(fields, position, wanted) for _, fields in csv_records(file, delimiter))


def take_out_of_csv(
    path: Path,
    delimiter: str,
    values: Mapping[int, Iterable[str]],
    layout: TextLayout | None = None,
) -> None:
    """Remove the records whose field at one of the positions is one of its values.

    layout: encoding, and lines before the header, which stay. Raises EngineError as
    `require_single_bytes` does.
    """
    layout = layout or TextLayout("utf-8")
    require_single_bytes(path, layout.encoding)
    wanted = {place: _as_bytes(texts, layout.encoding) for place, texts in values.items()}

    def write(part: Path) -> None:
        with _open(path) as file, part.open("wb") as raw, _packed(raw, path) as target:
            target.write(_start_of(file, layout).encode(BYTES))
            for text, fields in csv_records(file, delimiter):
                if not any(_is_of(fields, *one) for one in wanted.items()):
                    target.write(text.encode(BYTES))

    place_atomically(path, write)


def _start_of(file: IO[str], layout: TextLayout) -> str:
    """The lines before the header."""
    lines, left = list[str](), layout.lines_before
    while left:
        lines.append(file.readline())
        is_closed = "".join(lines).count('"') % 2 == 0
        # where ends are odd, those in quotes are no ends
        left -= is_closed if layout.has_odd_ends else lines[-1].endswith("\n")
    return "".join(lines)


def take_out_of_json_lines(path: Path, values: Mapping[str, Iterable[str]]) -> None:
    """Remove the lines of objects whose value of one of the columns is one of its values."""
    wanted = {column: frozenset(texts) for column, texts in values.items()}

    def write(part: Path) -> None:
        with part.open("wb") as raw, _packed(raw, path) as target:
            for line in json_lines(path):
                read = json_object(line)
                if isinstance(read, str) or not any(
                    json_text(read.get(column)) in texts for column, texts in wanted.items()
                ):
                    target.write(line.encode())

    place_atomically(path, write)


def require_single_bytes(path: Path, encoding: str) -> None:
    """Raises EngineError where line ends are no single bytes, as in UTF-16."""
    if "\n".encode(_unmarked(encoding)) != b"\n":
        raise EngineError(
            f"{path}: single rows cannot be removed from text in {encoding}",
            "remove them yourself, or deliver the file in UTF-8, then run `forget` again",
        )


def take_out_of_parquet(path: Path, rows: Iterable[int]) -> None:
    """Remove rows by their 0-based numbers.

    Raises EngineError, the file left as it is, when the written copy does not hold the others.
    """
    gone = np.fromiter(rows, dtype=np.int64)

    def write(part: Path) -> None:
        with pq.ParquetFile(path) as source:
            _write_others(source, part, gone)
            kept = source.metadata.num_rows - len(gone)
            with pq.ParquetFile(part) as written:
                same = written.schema_arrow.equals(source.schema_arrow)
                same = same and written.metadata.num_rows == kept
            same = same and _described(part) == _described(path)
            if not same:
                raise EngineError(
                    f"{path}: has column types that cannot be written back unchanged",
                    "remove the customers from it yourself, or remove the file, then run `forget` "
                    "again",
                )

    place_atomically(path, write)


def _write_others(source: pq.ParquetFile, part: Path, gone: np.ndarray) -> None:
    first = 0
    with pq.ParquetWriter(part, source.schema_arrow, **_written_like(source)) as writer:
        for number in range(source.num_row_groups):
            table = source.read_row_group(number)
            kept = ~np.isin(np.arange(first, first + table.num_rows), gone)
            first += table.num_rows
            if kept.any():
                left = table.filter(kept)
                columns = [_with_used_values(column) for column in left.columns]
                left = pa.Table.from_arrays(columns, schema=left.schema)
                writer.write_table(left, row_group_size=table.num_rows)


def _with_used_values(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A dictionary column without the values that no row has any more; others as they are."""
    if not pa.types.is_dictionary(column.type):
        return column
    chunks = []
    for chunk in column.chunks:
        # sorted: categories keep their order
        used = np.unique(chunk.indices.drop_null().to_numpy(zero_copy_only=False))
        places = np.zeros(len(chunk.dictionary), dtype=np.int64)
        places[used] = np.arange(len(used))
        indices = pa.array(places).take(chunk.indices).cast(column.type.index_type)
        values = chunk.dictionary.take(pa.array(used))
        chunks.append(pa.DictionaryArray.from_arrays(indices, values, ordered=column.type.ordered))
    return pa.chunked_array(chunks, type=column.type)


def _described(path: Path) -> list[tuple[str, ...]]:
    """Columns and their types as a load sees them."""
    with duckdb.connect() as con:
        return con.execute(
            "describe select * from read_parquet($1, hive_partitioning = false)",
            [as_no_pattern(path)],
        ).fetchall()


def _written_like(source: pq.ParquetFile) -> dict[str, Any]:
    """Options of a writer that writes as the file was written."""
    if not source.num_row_groups:
        return {}
    group = source.metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    codecs = {column.path_in_schema: column.compression for column in columns}
    return {
        "compression": {
            name: "NONE" if codec == "UNCOMPRESSED" else codec for name, codec in codecs.items()
        },
        "use_dictionary": [
            column.path_in_schema
            for column in columns
            if {"RLE_DICTIONARY", "PLAIN_DICTIONARY"} & set(column.encodings)
        ],
        "store_decimal_as_integer": any(
            str(column.logical_type).startswith("Decimal") and column.physical_type.startswith("I")
            for column in map(source.schema.column, range(len(source.schema)))
        ),
        "use_deprecated_int96_timestamps": any(
            column.physical_type == "INT96" for column in columns
        ),
    }


def _as_bytes(values: Iterable[str], encoding: str = "utf-8") -> frozenset[str]:
    return frozenset(value.encode(_unmarked(encoding)).decode(BYTES) for value in values)


def _unmarked(encoding: str) -> str:
    """The encoding of text inside a file: the mark of utf-8-sig is only at its start."""
    return "utf-8" if codecs.lookup(encoding).name == "utf-8-sig" else encoding


def _is_of(fields: list[str], position: int, wanted: frozenset[str]) -> bool:
    return len(fields) > position and fields[position] in wanted


def _open(path: Path) -> IO[str]:
    if is_packed(path):
        return gzip.open(path, "rt", encoding=BYTES, newline="")
    return path.open(encoding=BYTES, newline="")


def _packed(raw: IO[bytes], path: Path) -> Any:
    """`raw`, or for a .gz a stream into it without name and time."""
    if is_packed(path):
        return gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0)
    return raw
