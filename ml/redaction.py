"""Takes rows of customers out of a file; all other rows stay as they were written.

A CSV keeps the bytes of every other record. A Parquet file keeps schema, order, row groups,
compression and dictionaries of its columns.
"""

import csv
import gzip
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow.parquet as pq

from ml.errors import EngineError
from ml.files import place_atomically

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


def take_out_of_csv(path: Path, delimiter: str, position: int, values: Iterable[str]) -> None:
    """Remove the records whose field at `position` is one of `values`."""
    wanted = _as_bytes(values)

    def write(part: Path) -> None:
        with _open(path) as file, part.open("wb") as raw, _packed(raw, path) as target:
            for text, fields in csv_records(file, delimiter):
                if not _is_of(fields, position, wanted):
                    target.write(text.encode(BYTES))

    place_atomically(path, write)


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
                if not same or written.metadata.num_rows != kept:
                    raise EngineError(f"{path.name}: could not be written again as it was")

    place_atomically(path, write)


def _write_others(source: pq.ParquetFile, part: Path, gone: np.ndarray) -> None:
    first = 0
    with pq.ParquetWriter(part, source.schema_arrow, **_written_like(source)) as writer:
        for number in range(source.num_row_groups):
            table = source.read_row_group(number)
            kept = ~np.isin(np.arange(first, first + table.num_rows), gone)
            first += table.num_rows
            if kept.any():
                writer.write_table(table.filter(kept), row_group_size=table.num_rows)


def _written_like(source: pq.ParquetFile) -> dict[str, Any]:
    """Options of a writer that writes as the file was written."""
    if not source.num_row_groups:
        return {}
    group = source.metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    codecs = {column.path_in_schema: column.compression for column in columns}
    return {
        "version": source.metadata.format_version,
        "compression": {
            name: "NONE" if codec == "UNCOMPRESSED" else codec for name, codec in codecs.items()
        },
        "use_dictionary": [
            column.path_in_schema
            for column in columns
            if {"RLE_DICTIONARY", "PLAIN_DICTIONARY"} & set(column.encodings)
        ],
        "use_deprecated_int96_timestamps": any(
            column.physical_type == "INT96" for column in columns
        ),
    }


def _as_bytes(values: Iterable[str]) -> frozenset[str]:
    return frozenset(value.encode().decode(BYTES) for value in values)


def _is_of(fields: list[str], position: int, wanted: frozenset[str]) -> bool:
    return len(fields) > position and fields[position] in wanted


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=BYTES, newline="")
    return path.open(encoding=BYTES, newline="")


def _packed(raw: IO[bytes], path: Path) -> Any:
    """`raw`, or a gz stream into it that carries neither name nor time."""
    if path.suffix == ".gz":
        return gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0)
    return raw
