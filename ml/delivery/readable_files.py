"""A delivered file as DuckDB reads it: parquet, or a CSV in UTF-8 that begins with its header.

Most files are that already. Of the others a copy is made in a folder for temporary files, and
removed after use. What the copy leaves out is said in words.
"""

import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ml.delivery.converted_files import convert_json_lines, convert_spreadsheet
from ml.delivery.encodings import as_utf8, text_layout
from ml.delivery.file_kinds import JSON_LINES, SPREADSHEET, TEXT, ending_of
from ml.delivery.source_files import SourceFile, opened_member


@dataclass(frozen=True)
class ReadableFile:
    """Parquet, or a CSV in UTF-8, and what a reader must know besides.

    lines_before: lines of the delivered text that were before its header. notes: what was done
    with the file, and what of it is not read, in words without its name.
    """

    path: Path
    of_path: dict[str, str | None]
    lines_before: int = 0
    notes: tuple[str, ...] = ()


@contextmanager
def readable(
    file: SourceFile, encoding: str, folder: Path, names: Collection[str] = ()
) -> Iterator[ReadableFile]:
    """The file, or a copy in `folder` that is removed afterwards.

    names: columns that its header is known to have. Raises UnicodeDecodeError when a text is not
    in `encoding`, csv.Error, EOFError or an error of gzip when the file cannot be read as its kind.
    """
    with ExitStack() as stack:
        path = stack.enter_context(unpacked(file, folder))
        if file.kind == TEXT:
            layout = text_layout(path, encoding, names)
            text = stack.enter_context(as_utf8(path, encoding, folder, layout))
            before = layout.lines_before
            notes = (f"{before} line(s) before the header are skipped",) if before else ()
            yield ReadableFile(text, file.of_path, before, notes)
        elif file.kind in (JSON_LINES, SPREADSHEET):
            copy = stack.enter_context(_new_file(folder, ".csv"))
            if file.kind == JSON_LINES:
                said = convert_json_lines(path, copy)
            else:
                said = convert_spreadsheet(path, copy, names)
            yield ReadableFile(copy, file.of_path, notes=tuple(said))
        else:
            yield ReadableFile(path, file.of_path)


@contextmanager
def unpacked(file: SourceFile, folder: Path) -> Iterator[Path]:
    """The file, or a copy of a member of an archive."""
    if file.member is None:
        yield file.path
        return
    with _new_file(folder, ending_of(file.member)) as copy:
        with opened_member(file.path, file.member) as packed, copy.open("wb") as target:
            while chunk := packed.read(1 << 20):
                target.write(chunk)
        yield copy


@contextmanager
def _new_file(folder: Path, ending: str) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(suffix=ending, dir=folder) as file:
        yield Path(file.name)
