"""The warehouse file. Owns warehouse/clv.duckdb and warehouse/.build: side copy, commit, reading.

DuckDB locks its file, so work is done on a side copy which then replaces the file in one
rename. That rename is the commit: readers keep the snapshot they opened, and a kill before it
leaves the warehouse as it was.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from ml.home.errors import EngineError, LockHeldError
from ml.home.files import PART, sync_folder
from ml.home.layout import Home

# the oldest DuckDB that can open a warehouse; text is written a third faster than for v1.0
STORAGE = "v1.4.0"


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """Hold the only lock of the home; first remove what a killed command left behind.

    Raises LockHeldError at once when another command holds it, EngineError when the home may only
    be read.
    """
    lock = FileLock(home.lock, timeout=0)
    try:
        home.warehouse.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except PermissionError:
        raise EngineError(
            f"{home.root}: you may only read this home",
            "what reads it works: status, explain, doctor, `report --to FOLDER`, "
            "`docs --to FOLDER`, dbt show",
        ) from None
    except Timeout:
        raise LockHeldError(
            f"another run holds {home.relative(home.lock)}", "wait for it to end"
        ) from None
    try:
        shutil.rmtree(home.build, ignore_errors=True)
        for part in left_parts(home):
            part.unlink(missing_ok=True)
        yield
    finally:
        shutil.rmtree(home.build, ignore_errors=True)
        lock.release()


def left_parts(home: Home) -> list[Path]:
    """Temporary files in the folders of this home; another home may be inside its warehouse."""
    here = [folder.glob(f".*{PART}") for folder in (home.warehouse, home.config.parent)]
    names = ("models", "outputs", "raw", "spark")
    below = [(home.warehouse / name).rglob(f".*{PART}") for name in names]
    return [part for parts in [*here, *below] for part in parts]


class SideBuild:
    """A copy of the warehouse to work on, made when first asked for."""

    def __init__(self, home: Home, memory_limit: str | None = None) -> None:
        self._home = home
        self._memory_limit = memory_limit
        self._path = home.build / "clv.duckdb"
        self._origin: tuple[int, int, int] | None = None

    @property
    def is_open(self) -> bool:
        return self._path.exists()

    @property
    def database(self) -> Path:
        """Path of the copy."""
        if not self.is_open:
            self._home.build.mkdir(parents=True, exist_ok=True)
            _write_back(self._home)
            self._origin = _identity(self._home.database)
            if self._origin is not None:
                shutil.copyfile(self._home.database, self._path)
            else:
                _create(self._path)
        return self._path

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the copy; what exceeds the memory limit is written to disk beside it."""
        with duckdb.connect(self.database, read_only=read_only) as con:
            if self._memory_limit is not None:
                con.execute("set memory_limit = ?", [self._memory_limit])
            yield con

    def rewrite(self) -> None:
        """Write the copy anew from its live rows: free pages may hold what was deleted.

        Tables, views, constraints and comments stay as they are.
        """
        fresh = self._path.with_name("rewritten.duckdb")
        with duckdb.connect(config={"temp_directory": str(self._home.build)}) as con:
            # the views name their tables in the catalog clv
            con.execute(f"attach {_literal(self._path)} as clv (read_only)")
            con.execute(f"attach {_literal(fresh)} as rewritten (storage_version '{STORAGE}')")
            con.execute("copy from database clv to rewritten")
        os.replace(fresh, self._path)

    def publish(self) -> None:
        """Make the copy the warehouse: the commit."""
        with duckdb.connect(self._path) as con:
            con.execute("checkpoint")
        self.replace_warehouse()

    def replace_warehouse(self) -> None:
        """The commit alone, of a copy that has no log beside it."""
        with self._path.open("rb") as file:
            os.fsync(file.fileno())
        self._refuse_when_changed()
        if self._home.database.exists():
            shutil.copymode(self._home.database, self._path)
        os.replace(self._path, self._home.database)
        sync_folder(self._home.warehouse)

    def _refuse_when_changed(self) -> None:
        """Raises EngineError or LockHeldError when another program wrote, or may be about to."""
        database = self._home.database
        # the log of the file was written back before it was copied: this one is somebody else's
        if _identity(database) != self._origin or _log_of(database).exists():
            raise EngineError(
                f"{self._home.relative(database)}: changed by another program during the run",
                "nothing was published, run the command again",
            )
        with open_warehouse(self._home):
            pass  # what others read is no hindrance, a writer is


@contextmanager
def open_warehouse(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the warehouse, an empty one before the first load.

    Raises LockHeldError while another program writes, EngineError when the file cannot be opened.
    """
    if not home.database.exists():
        with duckdb.connect() as con:
            yield con
        return
    try:
        con = duckdb.connect(home.database, read_only=True)
    except duckdb.Error as error:
        raise _not_opened(home, error) from None
    with con:
        yield con


def _create(path: Path) -> None:
    duckdb.connect(path, config={"storage_compatibility_version": STORAGE}).close()


def _write_back(home: Home) -> None:
    """Write the log that a killed writer left into the file; otherwise it would be lost."""
    if not _log_of(home.database).exists():
        return
    try:
        with duckdb.connect(home.database) as con:
            con.execute("checkpoint")
    except duckdb.Error as error:
        raise _not_opened(home, error) from None


def _log_of(database: Path) -> Path:
    return database.with_name(f"{database.name}.wal")


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _not_opened(home: Home, error: duckdb.Error) -> EngineError:
    name = home.relative(home.database)
    if is_lock_conflict(error):
        return LockHeldError(
            f"{name}: another program has it open for writing", "close that program or wait"
        )
    return EngineError(f"{name}: cannot be opened", "`doctor` says why and what to do")


def is_lock_conflict(error: duckdb.Error) -> bool:
    """Whether a database did not open because another program has it open for writing."""
    text = str(error).lower()
    return "lock" in text and "conflicting" in text


def _identity(path: Path) -> tuple[int, int, int] | None:
    if not path.exists():
        return None
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
