"""Lines of a CSV file with more or fewer values than its header: refused one by one, not the file.

DuckDB lists them beside a scan (`reader_options`). Read by one thread that list is exact; scans
that start in the middle of a file can list pieces of quoted text, so only a file that a plain scan
refused is read this way. The columns are those of the header: guessed from ragged lines they would
be others. A line's text is not kept: it may name a customer who asks to be
forgotten, under a column nobody can tell.
"""

import csv
import io
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile

import duckdb

from ml.delivery.encodings import open_bytes
from ml.home.errors import DataNotReadyError
from ml.warehouse.queries import Queries

RAGGED = ("MISSING COLUMNS", "TOO MANY COLUMNS")
QUERIES = Queries(__file__)


def reader_options(path: Path, delimiter: str) -> str:
    """Options of read_csv that list ragged lines, after the dialect.

    Raises csv.Error when the file is no text in UTF-8: such bytes can stop DuckDB altogether.
    """
    try:
        records = _records(path, delimiter)
        header = next(records)
        deque(records, maxlen=0)  # to the end
    except UnicodeDecodeError:
        raise csv.Error("it is no text in UTF-8") from None
    if any("\0" in name for name in header):
        raise csv.Error("its header is no text in UTF-8")
    names = [name.replace("'", "''") for name in _names(header)]
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    return f", auto_detect = false, columns = {{{columns}}}, store_rejects = true, parallel = false"


def _names(header: list[str]) -> list[str]:
    """What DuckDB calls the columns of a plain scan: blank and repeated names get numbers."""
    with NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows([header, ["value"] * len(header)])
        file.flush()
        dialect = "delim = ',', quote = '\"', escape = '\"', comment = '', new_line = '\\n'"
        reader = f"read_csv($1, header = true, skip = 0, {dialect}, all_varchar = true)"
        with duckdb.connect() as con:
            described = con.execute(f"describe select * from {reader}", [file.name]).fetchall()
    return [name for name, *_ in described]


def _records(path: Path, delimiter: str) -> Iterator[list[str]]:
    """The header and the lines that are not blank, as Python reads them."""
    with open_bytes(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        yield from filter(None, csv.reader(text, delimiter=delimiter))


def keep_ragged_lines(
    con: duckdb.DuckDBPyConnection,
    file_id: int,
    path: Path,
    delimiter: str,
    name: str,
    left_out: int,
    lines_before: int = 0,
) -> None:
    """Add the ragged lines of the scan just made to raw.transactions, as unreadable.

    left_out: lines of the scan that were not inserted. lines_before: lines of the delivered file
    that `path`, a copy of it, begins after.

    Raises DataNotReadyError naming the line when it is no text in UTF-8, its quotes do not end,
    or the file breaks off in it; and when a second reader counts other lines than the scan.
    """
    others = con.execute(
        "select line, error_type from reject_errors where not list_contains($1, error_type)"
        " and scan_id = (select max(scan_id) from reject_errors) order by line limit 1",
        [list(RAGGED)],
    ).fetchone()
    if others:
        line, reason = others
        raise DataNotReadyError(
            f"{name}: line {lines_before + line} cannot be read ({reason.lower()})",
            "deliver the file again, in UTF-8",
        )
    _refuse_a_cut_file(con, path, name, lines_before)
    con.execute(QUERIES["ragged_lines"])
    con.execute(QUERIES["renumber_lines"], {"file_id": file_id})
    con.execute(
        "insert into raw.transactions by name"
        f" select {file_id} as file_id, file_row, unreadable from ragged_lines"
    )
    (kept,) = con.execute(
        "select count(*) from raw.transactions where file_id = ?", [file_id]
    ).fetchone() or (0,)
    if kept + left_out != sum(1 for _ in _records(path, delimiter)) - 1:
        raise DataNotReadyError(
            f"{name}: its lines cannot be told apart because a quote is not closed",
            "deliver the file again",
        )


def _refuse_a_cut_file(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, lines_before: int
) -> None:
    """A last line with too few values and without a line end is where the delivery broke off."""
    last = con.execute(
        "select line, line_byte_position + strlen(csv_line) from reject_errors"
        " where scan_id = (select max(scan_id) from reject_errors) order by line desc limit 1"
    ).fetchone()
    size, is_ended = _end_of(path)
    # a byte order mark is not counted
    if last and not is_ended and last[1] + 4 > size:
        raise DataNotReadyError(
            f"{name}: line {lines_before + last[0]} is cut off, the file ends in it",
            "deliver the file again",
        )


def _end_of(path: Path) -> tuple[int, bool]:
    """Size in bytes, unpacked, and whether the last line has a line end."""
    size, last = 0, b""
    with open_bytes(path) as file:
        while chunk := file.read(1 << 20):
            size, last = size + len(chunk), chunk[-1:]
    return size, last in (b"\n", b"\r")
