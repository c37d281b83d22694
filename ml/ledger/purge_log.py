"""What retention removed. Owns warehouse/purge_log.csv: one line per file, append-only."""

import csv
import io
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from ml.home.errors import EngineError
from ml.home.files import write_atomically
from ml.home.layout import Home


@dataclass(frozen=True)
class Removal:
    """A file that was removed: when (UTC, ISO 8601), its path in the home, its bytes, the rule."""

    timestamp: str
    file: str
    sha256: str
    rule: str


# the rule of files that `purge --beyond-data` took back
BEYOND_DATA = "beyond-data"
COLUMNS = tuple(field.name for field in fields(Removal))


def log_path(home: Home) -> Path:
    return home.warehouse / "purge_log.csv"


def read_log(home: Home) -> list[Removal]:
    """All removals, oldest first; empty before the first purge.

    Raises EngineError naming the first row that cannot be read.
    """
    path = log_path(home)
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    records = list(csv.reader(io.StringIO(text, newline="")))
    for number, record in enumerate(records):
        is_readable = len(record) == len(COLUMNS) and (
            _is_moment(record[0]) if number else tuple(record) == COLUMNS
        )
        if not is_readable:
            raise EngineError(
                f"{home.relative(path)}: row {number} is broken", "restore the file from a backup"
            )
    return [Removal(*record) for record in records[1:]]


def append_to_log(home: Home, removals: list[Removal]) -> None:
    """Add lines at the end; on disk before this returns."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(removal) for removal in [*read_log(home), *removals])
    write_atomically(log_path(home), text.getvalue().encode())


def purged_files(home: Home) -> frozenset[Path]:
    """The files that retention removed. What was taken back is written again once it is due."""
    return frozenset(
        home.root / removal.file for removal in read_log(home) if removal.rule != BEYOND_DATA
    )


def was_purged(home: Home, path: Path, sha256: str) -> bool:
    """Whether the log lists the file with these bytes."""
    name = home.relative(path)
    return any(one.file == name and one.sha256 == sha256 for one in read_log(home))


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
