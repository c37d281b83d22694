"""Where the header of a text or a sheet is, and which delimiter it has.

Programs write titles, blank lines and the parameters of a report before the header. The header is
the first line that looks like names and that most of the following lines have as many cells as.
Whatever is skipped is counted, so that somebody can be told.
"""

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

DELIMITERS = ",;\t|"
# lines in which a header is looked for, and lines that are read to find it
HEAD_LINES, SAMPLED_RECORDS = 40, 80
NUMBER = (
    r"[^\w]*(?:[A-Z]{3} )?[^\w]*[0-9][0-9.,' \u00a0\u202f]*(?:e[+-]?[0-9]+)?[^\w]*(?: [A-Z]{3})?"
)
DATE = r"[0-9]{1,4}[-/. ][0-9A-Za-z]{1,9}[-/., ]+[0-9]{1,4}(?:[T, ].*)?"
DATA = re.compile(rf"{NUMBER}|{DATE}|[0-9]{{1,2}}:[0-9]{{2}}.*", re.IGNORECASE)


@dataclass(frozen=True)
class Record:
    """A record of a text: the 0-based number of its first line, and its cells."""

    line: int
    cells: list[str]

    @property
    def filled(self) -> int:
        return sum(bool(cell.strip()) for cell in self.cells)


def records_of(lines: list[str], delimiter: str) -> list[Record]:
    """The first records that are not blank, of the first lines of a text."""

    def read() -> Iterator[Record]:
        line, reader = 0, csv.reader(lines, delimiter=delimiter)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Record(line, cells)
            line = reader.line_num
            if line > SAMPLED_RECORDS:
                return

    try:
        return list(read())
    except csv.Error:
        return []


def lines_before_header(lines: list[str], names: Collection[str] = ()) -> int:
    """How many lines of a text are before its header, by its first lines (with their ends).

    names: columns that the header is known to have.
    """
    if names and any(set(names) <= set(first) for first in _first_cells(lines)):
        return 0
    best, width, sample = 0, 0, lines[: SAMPLED_RECORDS + 1]
    for delimiter in DELIMITERS:
        if not any(delimiter in line for line in sample):
            continue
        header = header_of(records_of(sample, delimiter), names)
        if header is not None and len(header.cells) > width:
            best, width = header.line, len(header.cells)
    return best


def _first_cells(lines: list[str]) -> Iterator[list[str]]:
    """The cells of the first line, by each delimiter."""
    for delimiter in DELIMITERS if lines else ():
        yield next(csv.reader([lines[0]], delimiter=delimiter), [])


def header_of(records: list[Record], names: Collection[str] = ()) -> Record | None:
    """The record that is the header; None where there is no record at all.

    The first record is the header unless a later one plainly is: as wide as most of the records,
    with names in its cells, and the first one is narrower, holds data or is padded with blanks.
    """
    if not records:
        return None
    named = [record for record in records if names and set(names) <= set(record.cells)]
    if named:
        return named[0]
    counts = Counter(len(record.cells) for record in records)
    for width in sorted((one for one in counts if one > 1), reverse=True):
        if counts[width] > 1 and (header := _header_of_width(records, width)):
            return header
    return records[0]


def _header_of_width(records: list[Record], width: int) -> Record | None:
    """The header of a table with so many columns, if there is such a table."""

    def is_able(number: int) -> bool:
        record = records[number]
        is_wide = len(record.cells) == width and _holds_names(record, may_repeat=number == 0)
        return is_wide and _is_followed(records, number)

    if is_able(0) and records[0].cells[-1].strip():
        return records[0]
    able = [record for number, record in enumerate(records[:HEAD_LINES]) if is_able(number)]
    if not able:
        return None
    first, fullest = able[0], max(able, key=lambda record: record.filled)
    # a title that a spreadsheet padded to the width of its table is less filled than the header
    is_padded = fullest.filled > first.filled and not first.cells[-1].strip()
    return fullest if is_padded else first


def is_data(cell: str) -> bool:
    """Whether the cell is a number, a date or a time, which no name of a column is."""
    return DATA.fullmatch(cell.strip()) is not None


def _holds_names(record: Record, *, may_repeat: bool) -> bool:
    filled = [cell.strip() for cell in record.cells if cell.strip()]
    is_full = len(filled) >= 2 and 2 * len(filled) >= len(record.cells)
    is_full = is_full and (may_repeat or len(set(filled)) == len(filled))
    return is_full and not any(map(is_data, filled))


def _is_followed(records: list[Record], number: int) -> bool:
    """Whether there are records behind it, and most of the next have as many cells."""
    following = records[number + 1 : number + 11]
    width = len(records[number].cells)
    return bool(following) and 2 * sum(len(record.cells) == width for record in following) >= len(
        following
    )
