"""Trainings asked for on a side copy that is never published: what backtest and tune learn from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date

import duckdb
import pandas as pd

from ml.home.dates import history_start
from ml.life.session import Session
from ml.warehouse.queries import Queries

QUERIES = Queries(__file__)


@dataclass(frozen=True)
class Trial:
    """One training: its cutoff and windows, in months."""

    training_cutoff: date
    history_months: int
    pred_months: int


class Frames:
    """Frames of the trials, computed together: trials share the windows they have in common."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        con.execute("create temp table features as from intermediate.int_training_features")
        con.execute("create temp table actuals as from intermediate.int_training_actuals")

    def examples(self, trial: Trial) -> pd.DataFrame:
        """Rows of int_training_examples of the trial, by cutoff and customer."""
        return self._con.execute(QUERIES["examples"], asdict(trial)).df()

    def monthly_revenue(self, trial: Trial) -> pd.DataFrame:
        """Calendar months of the log up to the trial's cutoff."""
        cutoff = {"training_cutoff": trial.training_cutoff}
        return self._con.execute(QUERIES["monthly_revenue"], cutoff).df()

    def customers_since(self, trial: Trial, months: int) -> set[str]:
        """Customers with a purchase in the last `months` months up to the trial's cutoff."""
        last_day = trial.training_cutoff
        days = {"first_day": history_start(last_day, months), "last_day": last_day}
        rows = self._con.execute(QUERIES["customers_since"], days).fetchall()
        return {customer for (customer,) in rows}

    def later_actuals(self, trial: Trial) -> pd.DataFrame:
        """What the customers of the cutoff brought: customer_id, actual_clv, actual_order_count."""
        return self._con.execute(QUERIES["later_actuals"], asdict(trial)).df()


@contextmanager
def frames_of(session: Session, trials: list[Trial]) -> Iterator[Frames]:
    """Build the windows of all trials on the side copy and open their frames."""
    with session.bench.side.connect() as con:
        con.executemany(
            "insert into raw.training_requests values (?, ?, ?)",
            [(one.training_cutoff, one.history_months, one.pred_months) for one in trials],
        )
    session.progress(f"windows of {len(trials)} trainings")
    session.bench.build("training_frames", trials[0].training_cutoff)
    with session.bench.side.connect() as con:
        session.progress(f"features of {len(trials)} trainings")
        yield Frames(con)
