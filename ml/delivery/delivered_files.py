"""The rows of files as they were delivered, before anything is known of their columns."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ml.delivery.batches import in_batches, rows_together
from ml.delivery.encodings import EmptyFileError, guess_encoding
from ml.delivery.file_kinds import TEXT
from ml.delivery.opened_file import UNREADABLE, delivered_rows, reason_of
from ml.delivery.readable_files import readable, unpacked
from ml.delivery.source_files import SourceFile, files_to_read
from ml.home.errors import CallError, DataNotReadyError
from ml.home.layout import Home


@dataclass(frozen=True)
class DeliveredFiles:
    """The files, the first of which holds a row, and how their text is encoded."""

    files: list[SourceFile]
    encoding: str
    scratch: Path

    @contextmanager
    def rows_of(self, file: SourceFile) -> Iterator[duckdb.DuckDBPyRelation]:
        """The rows of a file. Raises DataNotReadyError when it cannot be read."""
        try:
            with readable(file, self.encoding, self.scratch) as text, connected() as con:
                yield delivered_rows(con, text.path, text.of_path)
        except (duckdb.Error, *UNREADABLE) as error:
            name = f"{file.path}/{file.member}" if file.member else str(file.path)
            raise DataNotReadyError(
                f"{name}: cannot be read ({reason_of(error)})",
                "check the file, or give its --encoding",
            ) from None
        except LookupError:
            raise CallError(
                f"--encoding: unknown encoding {self.encoding!r}", "use one such as utf-8 or cp1252"
            ) from None

    def one_by_one(self) -> Iterator[tuple[str, duckdb.DuckDBPyRelation]]:
        """Name and rows of each file that holds any."""
        for file in self.files:
            if self._has_rows(file):
                with self.rows_of(file) as rows:
                    yield file.path.name, rows

    def together(self) -> Iterator[duckdb.DuckDBPyRelation]:
        """The rows of all files, those of small files of one shape as one."""
        for batch in in_batches(self.files, lambda file: file, self.encoding):
            with connected() as con:
                rows = _together(con, batch)
                if rows is not None:
                    yield rows
                    continue
            for _, rows in DeliveredFiles(batch, self.encoding, self.scratch).one_by_one():
                yield rows

    def from_first_with_rows(self) -> "DeliveredFiles":
        """The files from the first that holds a row. Raises DataNotReadyError when none does."""
        for number, file in enumerate(self.files):
            if self._has_rows(file):
                return DeliveredFiles(self.files[number:], self.encoding, self.scratch)
        raise DataNotReadyError(
            f"{self.files[0].path}: none of the {len(self.files)} file(s) holds a row",
            "give a file with rows",
        )

    def _has_rows(self, file: SourceFile) -> bool:
        """Whether the file holds a row; also true where it cannot be read, as rows_of() says."""
        try:
            with readable(file, self.encoding, self.scratch) as text, connected() as con:
                return delivered_rows(con, text.path, text.of_path).limit(1).fetchone() is not None
        except EmptyFileError:
            return False
        except (duckdb.Error, *UNREADABLE, LookupError):
            return True


@contextmanager
def connected() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        yield con


def delivered_files(
    home: Home, paths: list[Path], encoding: str | None, scratch: Path, notes: list[str]
) -> DeliveredFiles:
    """The files at `paths`; their encoding is guessed where none is given, with notes on it."""
    files = files_to_read(home, paths)
    found = DeliveredFiles(files, encoding or _encoding(files, notes, scratch), scratch)
    return found.from_first_with_rows()


def _together(
    con: duckdb.DuckDBPyConnection, files: list[SourceFile]
) -> duckdb.DuckDBPyRelation | None:
    """The rows of several files of one shape; None where they have to be read one by one."""
    if len(files) == 1:
        return None
    try:
        rows = rows_together(con, files)
        if rows is not None:
            rows.aggregate("count(*)").fetchone()
    except (duckdb.Error, *UNREADABLE):  # one of them is named when it is read alone
        return None
    return rows


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
