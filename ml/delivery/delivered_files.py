"""The cells of files as they were delivered, before anything is known of their columns.

Files are opened to look at the first rows, and once more to copy the columns that somebody asks
about. All questions are asked of the copy: a question to a text costs as much as reading it.
"""

import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb

from ml.delivery.batches import in_batches, rows_together
from ml.delivery.encodings import EmptyFileError, guess_encoding
from ml.delivery.file_kinds import TEXT
from ml.delivery.opened_file import UNREADABLE, quoted, reason_of, use_rows
from ml.delivery.readable_files import readable, unpacked
from ml.delivery.source_files import SourceFile, files_to_read
from ml.home.errors import CallError, DataNotReadyError
from ml.home.layout import Home
from ml.warehouse.tables import has_table

FIRST_ROWS = 10_000
T = TypeVar("T")


@dataclass(frozen=True)
class DeliveredFiles:
    """The files from the first one that holds a row, how their text is encoded, its first rows.

    con: a database for copies, of which `first_rows` is one.
    """

    files: list[SourceFile]
    encoding: str
    scratch: Path
    con: duckdb.DuckDBPyConnection
    first_rows: duckdb.DuckDBPyRelation

    def cells(self, names: Collection[str]) -> list[duckdb.DuckDBPyRelation]:
        """A copy of the columns of all files; one relation for files with columns of one kind."""
        tables: dict[tuple[str, ...], str] = {}
        for batch in in_batches(self.files, lambda file: file, self.encoding):
            if not self._copy_together(batch, names, tables):
                for file in batch:
                    self._rows_of(file, lambda rows: self._copy(rows, names, tables))
        return [self.con.table(table) for table in tables.values()]

    def cells_of_each(
        self, names: Collection[str]
    ) -> Iterator[tuple[str, duckdb.DuckDBPyRelation]]:
        """Name of each file, and a copy of its columns."""
        for file in self.files:
            tables: dict[tuple[str, ...], str] = {}
            self._rows_of(file, lambda rows, tables=tables: self._copy(rows, names, tables))
            for table in tables.values():
                yield file.path.name, self.con.table(table)

    def _copy_together(
        self, files: list[SourceFile], names: Collection[str], tables: dict[tuple[str, ...], str]
    ) -> bool:
        """Copy files of one shape; False, and nothing is copied, where one has to be alone."""
        if len(files) == 1:
            return False
        try:
            rows = rows_together(self.con, files)
            if rows is not None:
                self._copy(rows, names, tables)
        except (duckdb.Error, *UNREADABLE):  # one of them is named when it is read alone
            return False
        return rows is not None

    def _copy(
        self,
        rows: duckdb.DuckDBPyRelation,
        names: Collection[str],
        tables: dict[tuple[str, ...], str],
    ) -> None:
        kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
        there = [name for name in kinds if name in names]
        if not there:
            return
        chosen = rows.project(", ".join(map(quoted, there)))
        key = (*there, *(kinds[name] for name in there))
        if key in tables:
            chosen.insert_into(tables[key])
            return
        (known,) = self.con.sql("select count(*) from duckdb_tables()").fetchone() or (0,)
        chosen.create(f"cells_{known}")
        tables[key] = f"cells_{known}"

    def _rows_of(self, file: SourceFile, use: Callable[[duckdb.DuckDBPyRelation], T]) -> T | None:
        return rows_of(self.con, file, self.encoding, self.scratch, use)


@contextmanager
def delivered_files(
    home: Home, paths: list[Path], encoding: str | None, scratch: Path, notes: list[str]
) -> Iterator[DeliveredFiles]:
    """The files at `paths`; their encoding is guessed where none is given, with notes on it.

    Raises DataNotReadyError when no file holds a row.
    """
    files = files_to_read(home, paths)
    said = encoding or _encoding(files, notes, scratch)
    with duckdb.connect(scratch / "delivered.duckdb") as con:
        con.execute("set timezone = 'UTC'")
        for number, file in enumerate(files):
            name = f"first_rows_{number}"
            rows_of(con, file, said, scratch, lambda rows, name=name: _first_rows(rows, name))
            if _has_rows(con, name):
                yield DeliveredFiles(files[number:], said, scratch, con, con.table(name))
                return
    raise DataNotReadyError(
        f"{paths[0]}: none of the {len(files)} file(s) holds a row", "give a file with rows"
    )


def rows_of(
    con: duckdb.DuckDBPyConnection,
    file: SourceFile,
    encoding: str,
    scratch: Path,
    use: Callable[[duckdb.DuckDBPyRelation], T],
) -> T | None:
    """What `use` makes of the rows of a file, None for an empty file.

    Raises DataNotReadyError when it cannot be read.
    """
    try:
        with readable(file, encoding, scratch) as text:
            return use_rows(con, text.path, text.of_path, use)
    except EmptyFileError:
        return None
    except (duckdb.Error, *UNREADABLE) as error:
        name = f"{file.path}/{file.member}" if file.member else str(file.path)
        raise DataNotReadyError(
            f"{name}: cannot be read ({reason_of(error)})", "check the file, or give its --encoding"
        ) from None
    except LookupError:
        raise CallError(
            f"--encoding: unknown encoding {encoding!r}", "use one such as utf-8 or cp1252"
        ) from None


def _first_rows(rows: duckdb.DuckDBPyRelation, name: str) -> None:
    rows.limit(FIRST_ROWS).create(name)


def _has_rows(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether the table is there, which that of an empty file is not, and holds a row."""
    return has_table(con, f"main.{name}") and bool(con.table(name).limit(1).fetchall())


def _encoding(files: list[SourceFile], notes: list[str], scratch: Path) -> str:
    """The encoding of the texts; where they differ, that of those which are not UTF-8."""
    encodings = sorted({_encoding_of(file, scratch) for file in files if file.kind == TEXT})
    if len(encodings) > 1 and "utf-16" in encodings:
        encodings.remove("utf-16")  # its mark says so in each file
    others = [encoding for encoding in encodings if encoding != "utf-8"]
    if others:
        notes.append(f"the text is not UTF-8, it looks like {others[0]}")
    if len(encodings) > 1:
        notes.append(
            f"the files have several encodings ({', '.join(encodings)}): letters may be wrong"
        )
    return (others or encodings or ["utf-8"])[0]


def _encoding_of(file: SourceFile, scratch: Path) -> str:
    try:
        with unpacked(file, scratch) as path:
            return guess_encoding(path)
    except (OSError, EOFError, zlib.error):  # no archive: its reader says so
        return "utf-8"
