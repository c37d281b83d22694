"""The kinds of files that are read, one row each: the one place that knows their endings."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PACKED = ".gz"


@dataclass(frozen=True)
class FileKind:
    """Files that are read in one way.

    endings: in lower case; a file's own may be in any. may_be_packed: `.gz` may follow.
    loses_rows: whether `forget` can take single rows out of such a file.
    """

    name: str
    endings: tuple[str, ...]
    may_be_packed: bool
    loses_rows: bool

    @property
    def all_endings(self) -> tuple[str, ...]:
        packed = tuple(ending + PACKED for ending in self.endings if self.may_be_packed)
        return self.endings + packed


PARQUET = FileKind("parquet", (".parquet",), may_be_packed=False, loses_rows=True)
TEXT = FileKind("text", (".csv", ".tsv", ".txt"), may_be_packed=True, loses_rows=True)
JSON_LINES = FileKind("JSON lines", (".ndjson", ".jsonl"), may_be_packed=True, loses_rows=True)
SPREADSHEET = FileKind("spreadsheet", (".xlsx",), may_be_packed=False, loses_rows=False)
ARCHIVE = FileKind("archive", (".zip",), may_be_packed=False, loses_rows=False)

KINDS = (PARQUET, TEXT, JSON_LINES, SPREADSHEET, ARCHIVE)
ENDINGS = tuple(ending for kind in KINDS for ending in kind.all_endings)
ENDINGS_IN_WORDS = (
    ", ".join(ending for kind in KINDS for ending in kind.endings) + " and .gz of a text"
)
# what systems put beside data: attributes of a Mac, the lock file of an open workbook
BESIDE_DATA = ("._", "~$")


def kind_of(name: str) -> FileKind | None:
    """The kind of a file by the ending of its name; None for a file that is not read."""
    lower = name.lower()
    return next((kind for kind in KINDS if lower.endswith(kind.all_endings)), None)


def ending_of(name: str) -> str:
    """The ending as it is written in the name, with `.gz`; empty for a file that is not read."""
    ending = next((one for one in sorted(ENDINGS, key=len) if name.lower().endswith(one)), "")
    return name[len(name) - len(ending) :]


def is_packed(path: Path) -> bool:
    """Whether the file is a gz archive of a text."""
    return path.name.lower().endswith(PACKED)


def is_beside_data(name: str) -> bool:
    """Whether a system made the file for itself, as `__MACOSX/._a.csv` or `~$a.xlsx`."""
    path = PurePosixPath(name)
    return "__MACOSX" in path.parts or path.name.startswith(BESIDE_DATA)
