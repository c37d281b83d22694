"""Files that DuckDB does not read, written as CSV in UTF-8: spreadsheets and JSON lines.

Every cell is kept as text: whole numbers of a spreadsheet without `.0`, its moments in ISO, and
numbers of JSON as they are written.
"""

import csv
import io
import json
import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

import python_calamine

from ml.delivery.encodings import open_bytes
from ml.delivery.text_layout import Record, header_of

LEAST_COLUMNS = 3  # a customer, a moment and an amount


class ConversionError(csv.Error):
    """A file that cannot be read as its kind, in words without values of it."""


# Spreadsheets


@dataclass(frozen=True)
class Sheet:
    """A table in a sheet: names of its columns, its rows, how many rows were before the names."""

    name: str
    header: list[str]
    rows: list[list[str]]
    rows_before: int


def convert_spreadsheet(path: Path, copy: Path, names: Collection[str]) -> list[str]:
    """Write the tables of a workbook that have one header as CSV; what to know of it in words.

    names: columns that the header is known to have. Raises ConversionError when the workbook
    cannot be read.
    """
    sheets, hidden = _sheets(path, names)
    able = [sheet for sheet in sheets if sheet.rows]
    named = [sheet for sheet in able if names and set(names) <= set(sheet.header)]
    wide = [sheet for sheet in able if len(sheet.header) >= LEAST_COLUMNS]
    first = next(iter([*named, *wide, *able]), None)
    if first is None:
        copy.write_text("", encoding="utf-8")
        return [f"sheet(s) that are hidden are not read: {', '.join(hidden)}"] if hidden else []
    read = [sheet for sheet in able if sheet.header == first.header]
    rows = [row for sheet in read for row in sheet.rows]
    # cells right of the header stay, in columns without a name
    width = max(map(_width_of, [first.header, *rows]))
    with copy.open("w", encoding="utf-8", newline="") as file:
        write_records(file, (_of_width(row, width) for row in [first.header, *rows]))
    return _said_of_sheets(read, able, hidden)


def _said_of_sheets(read: list[Sheet], able: list[Sheet], hidden: list[str]) -> list[str]:
    others = [f"{sheet.name} (other columns)" for sheet in able if sheet not in read]
    others += [f"{name} (hidden)" for name in hidden]
    said = [f"read sheet(s) {', '.join(sheet.name for sheet in read)}"]
    said += [f"sheet(s) that are not read: {', '.join(others)}"] if others else []
    before = sum(sheet.rows_before for sheet in read)
    return [*said, *([f"{before} row(s) before the header are skipped"] if before else [])]


def _sheets(path: Path, names: Collection[str]) -> tuple[list[Sheet], list[str]]:
    """The tables of the sheets that are seen, and the names of those hidden with rows."""
    sheets, hidden = [], []
    try:
        with python_calamine.CalamineWorkbook.from_path(str(path)) as workbook:
            for about in workbook.sheets_metadata:
                if about.typ != python_calamine.SheetTypeEnum.WorkSheet:
                    continue
                rows = workbook.get_sheet_by_name(about.name).to_python(skip_empty_area=False)
                sheet = _table(about.name, rows, names)
                if about.visible == python_calamine.SheetVisibleEnum.Visible:
                    sheets.append(sheet)
                elif sheet.rows:
                    hidden.append(about.name)
    except python_calamine.PasswordError:
        raise ConversionError("it has a password") from None
    except (python_calamine.CalamineError, OSError, ValueError):
        raise ConversionError("it is no workbook that can be read") from None
    return sheets, hidden


def _table(name: str, cells: list[list[Any]], names: Collection[str]) -> Sheet:
    """The table of a sheet; blank rows are left out."""
    texts = [[cell_text(cell) for cell in row] for row in cells]
    records = [Record(line, row) for line, row in enumerate(texts) if any(map(str.strip, row))]
    header = header_of(records[:80], names)
    if header is None:
        return Sheet(name, [], [], 0)
    rows = [record.cells for record in records if record.line > header.line]
    before = sum(record.line < header.line for record in records)
    return Sheet(name, header.cells[: _width_of(header.cells)], rows, before)


def _width_of(row: list[str]) -> int:
    return max((number for number, cell in enumerate(row, 1) if cell.strip()), default=0)


def _of_width(row: list[str], width: int) -> list[str]:
    return [*row[:width], *[""] * (width - len(row))]


def cell_text(cell: object) -> str:
    """A cell as text: numbers as the program shows them in full, moments in ISO."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and math.isfinite(cell):
        is_whole = cell == math.trunc(cell) and abs(cell) < 1e15
        return str(int(cell)) if is_whole else format(cell, ".15g")
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, date):
        return datetime.combine(cell, time()).isoformat(" ")
    return "" if cell is None else str(cell)


# JSON lines


def convert_json_lines(path: Path, copy: Path) -> list[str]:
    """Write a file of one JSON object a line as CSV with the names of all objects as columns.

    A line that is no JSON object becomes a line with too few or too many values, which is refused
    by `load`. Raises ConversionError when the file holds no object or one large list, or breaks off
    in its last line, UnicodeDecodeError when it is not in UTF-8, as JSON has to be.
    """
    names: dict[str, None] = {}
    read: dict[str, Any] | str | None = None
    for read in _objects(path):
        names.update(dict.fromkeys(read if isinstance(read, dict) else ()))
    if read is not None and not names:
        raise ConversionError("no line of it is a JSON object with values")
    with copy.open("w", encoding="utf-8", newline="") as file:
        write_records(file, [list(names)] if names else [])
        write_records(file, (_json_record(read, list(names)) for read in _objects(path)))
    return []


def json_lines(path: Path) -> Iterator[str]:
    """The lines of a file of JSON lines with their ends, blank ones too."""
    with open_bytes(path) as file, io.TextIOWrapper(file, "utf-8", newline="\n") as text:
        yield from text


def _objects(path: Path) -> Iterator[dict[str, Any] | str]:
    """Of each line that is not blank the object, or the text of a line that is none."""
    read: dict[str, Any] | str | None = None
    line = "\n"
    for number, line in enumerate(json_lines(path)):
        if number == 0 and line.lstrip("\ufeff \t").startswith("["):
            raise ConversionError("it is a JSON list, and not one JSON object on each line")
        if line.strip("\ufeff \t\r\n"):
            read = json_object(line)
            yield read
    if isinstance(read, str) and not line.endswith("\n"):
        raise ConversionError("its last line is cut off")


def json_object(line: str) -> dict[str, Any] | str:
    """The object of a line, its numbers as they are written; the line itself if it is none."""
    try:
        read = json.loads(line.lstrip("\ufeff"), parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return line
    return read if isinstance(read, dict) else line


def _json_record(read: dict[str, Any] | str, header: list[str]) -> list[str]:
    if isinstance(read, str):
        mark = sha256(read.encode(errors="replace")).hexdigest()[:12]
        return [mark] * (1 if len(header) > 1 else 2)
    return [json_text(read.get(name)) for name in header]


def json_text(value: object) -> str:
    """A value as the text of a cell; empty where there is none."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()  # half a sign is no text in UTF-8


# Both


def write_records(file: TextIO, records: Iterable[list[str]]) -> None:
    """Records as CSV: cells in quotes, so that no sign can be mistaken; empty is missing."""
    for cells in records:
        if len(cells) == 1:  # an empty cell alone would be a blank line
            file.write('"' + cells[0].replace('"', '""') + '"\n')
        else:
            in_quotes = ('"' + cell.replace('"', '""') + '"' if cell else "" for cell in cells)
            file.write(",".join(in_quotes) + "\n")
