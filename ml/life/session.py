"""The home at work: locked and healed, its delivered files taken in, a side copy at hand."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb

from ml.delivery.line_values import TOO_SMALL
from ml.delivery.load import LoadResult, contents_of, is_up_to_date, load_files
from ml.forgetting.forget import finish_forgetting
from ml.home.config import Config, load_config
from ml.home.dates import history_start
from ml.home.errors import DataNotReadyError
from ml.home.layout import Home
from ml.ledger import manifest
from ml.warehouse import state
from ml.warehouse.side_copy import locked, open_warehouse
from ml.warehouse.views import bring_over
from ml.warehouse.workbench import Workbench

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Session:
    """A home that a command works in: lock held, config checked, delivered files taken in.

    bench: the side copy to build on. loaded: what this command took in; delivered: counts of all
    rows; newest_day: the last day of the data.
    """

    home: Home
    config: Config
    bench: Workbench
    progress: Progress
    loaded: LoadResult
    delivered: state.Delivery
    newest_day: date

    def publish_load(self) -> None:
        """Publish the loaded files, so that they stay loaded if the command fails later."""
        if self.bench.side.is_open:
            self.bench.publish()


@contextmanager
def open_session(home: Home, progress: Progress) -> Iterator[Session]:
    """Lock and heal the home and load its new files (on the side copy)."""
    config = load_config(home)
    bring_over(home, progress, config.resources.memory_limit)
    with locked(home):
        manifest.heal(home)
        bench = Workbench(home, progress, config.resources.memory_limit)
        finish_forgetting(home, config.source, bench, progress)
        with bench.timings.stage("load"):
            loaded = _load(home, config, bench, progress)
        with _connected(home, bench) as con:
            delivered = state.delivery(con)
        _refuse_too_many_rejected(config, delivered)
        newest = _newest(home, delivered)
        yield Session(home, config, bench, progress, loaded, delivered, newest)


def _load(home: Home, config: Config, bench: Workbench, progress: Progress) -> LoadResult:
    """Load new files, and build what depends on files alone."""
    contents = contents_of(home, config.source)
    with open_warehouse(home) as con:
        if is_up_to_date(con, home, config.source, contents):
            return LoadResult([], [], [], contents.twins, [])
    with bench.side.connect() as con:
        loaded = load_files(con, home, config.source, progress, contents)
    bench.build("load", full_refresh=bool(loaded.files_removed))
    return loaded


def connected(session: Session) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """The side copy once there is one, else the warehouse, read-only."""
    return _connected(session.home, session.bench)


def _connected(home: Home, bench: Workbench) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    if bench.side.is_open:
        return bench.side.connect(read_only=True)
    return open_warehouse(home)


def require_days(session: Session, cutoff: date, history_months: int) -> None:
    """Raises DataNotReadyError when the data ends before the cutoff or the window is empty."""
    if cutoff > session.newest_day:
        lone = session.delivered.lone_words
        raise DataNotReadyError(
            f"cutoff {cutoff}: the data ends on {session.newest_day}{lone and f' ({lone})'}",
            f"it must reach {cutoff}: deliver newer files or choose an earlier cutoff",
        )
    start = history_start(cutoff, history_months)
    with connected(session) as con:
        if not state.customer_count(con, start, cutoff):
            raise DataNotReadyError(
                f"cutoff {cutoff}: no customer bought from {start} to {cutoff}",
                "choose a later cutoff",
            )


def _refuse_too_many_rejected(config: Config, delivered: state.Delivery) -> None:
    limit = config.source.max_rejected_share
    if delivered.rejected_share > limit:
        worst = ", ".join(f"{reason}: {rows}" for reason, rows in delivered.rejected.items())
        raise DataNotReadyError(
            f"{delivered.rejected_share:.0%} of the rows are refused ({worst}), more than "
            f"source.max_rejected_share {limit:.0%}, nothing was changed",
            "write a larger source.money_decimals"
            if TOO_SMALL in delivered.rejected
            else "check source.columns",
        )


def _newest(home: Home, delivered: state.Delivery) -> date:
    if delivered.newest_day is None:
        raise DataNotReadyError(
            f"{home.relative(home.config)}: the files of source.files hold no usable row",
            "check the files and source.columns",
        )
    return delivered.newest_day
