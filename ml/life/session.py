"""The home at work: locked and healed, its delivered files taken in, a side copy at hand."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb

from ml.delivery.load import LoadResult, is_up_to_date, load_files
from ml.forgetting.forget import finish_forgetting
from ml.home.config import Config, load_config
from ml.home.dates import history_start
from ml.home.errors import DataNotReadyError
from ml.home.layout import Home
from ml.ledger import manifest
from ml.life.timings import Timings
from ml.warehouse import state
from ml.warehouse.dbt_project import BuildReport, DbtProject
from ml.warehouse.side_copy import SideBuild, locked, reading

Progress = Callable[[str], None]


@dataclass
class Engine:
    """A home with its lock held and its config checked, and a side copy at hand."""

    home: Home
    config: Config
    project: DbtProject
    side: SideBuild
    progress: Progress
    timings: Timings
    loaded: LoadResult
    delivered: state.Delivery
    newest_day: date

    def build(self, selector: str, cutoff: date | None = None) -> BuildReport:
        """Build on the side copy, timed."""
        with self.timings.stage("build"):
            report = self.project.build(self.side.database, selector, cutoff)
        self.timings.add_nodes(report.seconds)
        return report

    def publish_load(self) -> None:
        """Keep what was taken in, whatever becomes of the rest of the command."""
        if self.side.is_open:
            self.publish()

    def publish(self) -> None:
        """Make the side copy the warehouse, timed."""
        with self.timings.stage("publish"):
            self.side.publish()


@contextmanager
def working(home: Home, progress: Progress) -> Iterator[Engine]:
    """The home, locked and healed, with the delivered files in (on the side copy)."""
    config = load_config(home)
    with locked(home):
        manifest.heal(home)
        limit, timings = config.resources.memory_limit, Timings()
        project, side = DbtProject(home, progress, limit), SideBuild(home, limit)
        finish_forgetting(home, config.source, project, side, progress)
        with timings.stage("load"):
            loaded = _load(home, config, project, side, progress, timings)
        with side.connect(read_only=True) if side.is_open else reading(home) as con:
            delivered = state.delivery(con)
        _refuse_too_many_rejected(config, delivered)
        newest = _newest(home, delivered)
        yield Engine(home, config, project, side, progress, timings, loaded, delivered, newest)


def _load(
    home: Home,
    config: Config,
    project: DbtProject,
    side: SideBuild,
    progress: Progress,
    timings: Timings,
) -> LoadResult:
    """Take in what was delivered, and build what depends on it alone."""
    with reading(home) as con:
        if is_up_to_date(con, home, config.source):
            return LoadResult([], [])
    with side.connect() as con:
        loaded = load_files(con, home, config.source, progress)
    report = project.build(side.database, "load", full_refresh=bool(loaded.files_removed))
    timings.add_nodes(report.seconds)
    return loaded


def connected(engine: Engine) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """The side copy once there is one, else the warehouse, read-only."""
    if engine.side.is_open:
        return engine.side.connect(read_only=True)
    return reading(engine.home)


def require_days(engine: Engine, cutoff: date, history_months: int) -> None:
    """Raises DataNotReadyError when the data ends before the cutoff or the window is empty."""
    if cutoff > engine.newest_day:
        raise DataNotReadyError(
            f"cutoff {cutoff}: the data ends on {engine.newest_day}",
            f"it must reach {cutoff}: deliver newer files or choose an earlier cutoff",
        )
    start = history_start(cutoff, history_months)
    with connected(engine) as con:
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
            "check source.columns",
        )


def _newest(home: Home, delivered: state.Delivery) -> date:
    if delivered.newest_day is None:
        raise DataNotReadyError(
            f"{home.relative(home.config)}: the files of source.files hold no usable row",
            "check the files and source.columns",
        )
    return delivered.newest_day
