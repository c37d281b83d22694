"""Batches, measurements and files on days that the data does not have any more.

A log that is corrected, or a file that is missing, can end before a cutoff that was scored, or
before the end of a window that was measured. What stands on such days is found here, and taken
out of a side copy. Nothing is taken back by itself: a file that is missing for a day would cost
years of batches.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from ml.home.dates import window_end
from ml.home.layout import Home
from ml.ledger import manifest
from ml.warehouse import exports
from ml.warehouse.queries import Queries
from ml.warehouse.state import newest_day
from ml.warehouse.tables import has_table

QUERIES = Queries(__file__)
COMMAND = "purge --beyond-data"
OF_A_BATCH = re.compile(r"(?P<mart>[a-z_]+)_(?P<cutoff>\d{4}-\d\d-\d\d)_pred(?P<months>\d+)m[.]\w+")
# files that a batch has only once its label window has ended
OF_A_MEASUREMENT = (*exports.MEASURED, exports.ALERT)


@dataclass(frozen=True)
class BatchKey:
    """The cutoff and the model of a batch, and how many months it predicts."""

    cutoff: date
    model_id: str
    pred_months: int


@dataclass(frozen=True)
class BeyondData:
    """What stands on days after `newest_day`, how far the data reaches.

    batches: their cutoff is later. measurements: the end of their label window is later; the
    batch stands if its cutoff is not. files: of such batches and measurements, by their path in
    the home. models: trained at a later cutoff. last_score_cutoff: that of the config if it is
    later, else None; standing_cutoff: of the newest batch that stands, None without one.
    """

    newest_day: date
    batches: list[BatchKey]
    measurements: list[BatchKey]
    files: list[str]
    models: list[str]
    last_score_cutoff: date | None
    standing_cutoff: date | None

    @property
    def can_be_taken_back(self) -> bool:
        """Whether there is more than models, which stay in the ledger."""
        return bool(self.batches or self.measurements or self.files or self.last_score_cutoff)

    @property
    def problem(self) -> str:
        """What stands on such days, in words; empty if only models do."""
        counts = {
            "batch(es)": len(self.batches),
            "measured window(s)": len(self.measurements),
            "file(s)": len(self.files),
        }
        found = [f"{count:,} {name}" for name, count in counts.items() if count]
        if self.last_score_cutoff is not None:
            found.append(f"run.last_score_cutoff {self.last_score_cutoff}")
        if not found:
            return ""
        return f"the data ends on {self.newest_day}; after it: {', '.join(found)}"

    @property
    def model_problem(self) -> str:
        """Which models were trained on such days, in words; empty without one."""
        if not self.models:
            return ""
        return (
            f"the data ends on {self.newest_day}; trained at a later cutoff: "
            f"{', '.join(self.models)}"
        )


def find_beyond_data(
    con: duckdb.DuckDBPyConnection, home: Home, last_score_cutoff: date | None
) -> BeyondData | None:
    """What stands on days that the data of the warehouse `con` does not have; None if nothing does.

    last_score_cutoff: that of the config. It may lie ahead in a home that has no batch yet.
    """
    newest = newest_day(con)
    if newest is None:
        return None
    batches = _batches_after(con, newest)
    count, standing = _standing(con, newest)
    files = [home.relative(path) for path in files_beyond(home, newest)]
    is_ahead = last_score_cutoff is not None and last_score_cutoff > newest
    is_left = bool(count or files)  # files alone: the command that took the batches back was killed
    beyond = BeyondData(
        newest_day=newest,
        batches=batches,
        measurements=_measured_after(con, newest),
        files=files,
        models=_models_after(home, newest),
        last_score_cutoff=last_score_cutoff if is_ahead and is_left else None,
        standing_cutoff=standing,
    )
    return beyond if beyond.can_be_taken_back or beyond.models else None


def _batches_after(con: duckdb.DuckDBPyConnection, newest: date) -> list[BatchKey]:
    if not has_table(con, "marts.clv_batches"):
        return []
    rows = con.execute(
        "select cutoff, model_id, pred_months from marts.clv_batches where cutoff > ? order by all",
        [newest],
    )
    return [BatchKey(*row) for row in rows.fetchall()]


def _standing(con: duckdb.DuckDBPyConnection, newest: date) -> tuple[int, date | None]:
    """How many batches of champions there are, and the newest cutoff that the data reaches."""
    if not has_table(con, "marts.clv_batches"):
        return 0, None
    found = con.execute(QUERIES["standing_batches"], {"newest_day": newest}).fetchone()
    return found or (0, None)


def _measured_after(con: duckdb.DuckDBPyConnection, newest: date) -> list[BatchKey]:
    if not has_table(con, "intermediate.int_matured_windows"):
        return []
    rows = con.execute(
        "select distinct cutoff, model_id, pred_months from intermediate.int_matured_windows"
        " where window_end > ? order by all",
        [newest],
    )
    return [BatchKey(*row) for row in rows.fetchall()]


def _models_after(home: Home, newest: date) -> list[str]:
    """Models in use that were trained at a later cutoff: the champion, and who is beside it."""
    rows = manifest.read_manifest(home)
    later = {row.model_id for row in rows if row.training_cutoff > newest}
    return sorted(later & manifest.models_in_use(rows))


def files_beyond(home: Home, newest: date) -> list[Path]:
    """Output files of batches after `newest`, and of measurements of windows that end after it.

    Their names say so: files that a killed command left are found too.
    """
    if not home.outputs.is_dir():
        return []
    return [path for path in sorted(home.outputs.iterdir()) if _is_beyond(path, newest)]


def _is_beyond(path: Path, newest: date) -> bool:
    name = OF_A_BATCH.fullmatch(path.name)
    if name is None or name["mart"] not in (*exports.EXPORTED, *OF_A_MEASUREMENT):
        return False
    cutoff, months = date.fromisoformat(name["cutoff"]), int(name["months"])
    is_measured = name["mart"] in OF_A_MEASUREMENT
    return (window_end(cutoff, months) if is_measured else cutoff) > newest


def take_out(con: duckdb.DuckDBPyConnection, beyond: BeyondData) -> None:
    """Delete the rows of such batches and measurements from every table of the side copy.

    What a later command measures begins with revision 1 again.
    """
    con.execute("create temp table measurements (cutoff date, model_id varchar)")
    keys = [[one.cutoff, one.model_id] for one in beyond.measurements]
    if keys:
        con.executemany("insert into measurements values (?, ?)", keys)
    for table, is_measured in con.execute(QUERIES["batch_tables"]).fetchall():
        con.execute(f"delete from {table} where cutoff > ?", [beyond.newest_day])
        if is_measured:
            con.execute(f"delete from {table} where (cutoff, model_id) in (from measurements)")
