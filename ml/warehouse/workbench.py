"""A side copy of the warehouse and the dbt project that builds on it: every build is timed here."""

from collections.abc import Callable
from datetime import date

from ml.home.layout import Home
from ml.warehouse.dbt_project import BuildReport, DbtProject
from ml.warehouse.side_copy import SideBuild
from ml.warehouse.timings import Timings


class Workbench:
    """What a command works with once it holds the lock of a home; the time it takes is kept."""

    def __init__(
        self,
        home: Home,
        progress: Callable[[str], None] = lambda _: None,
        memory_limit: str | None = None,
    ) -> None:
        self.side = SideBuild(home, memory_limit)
        self.timings = Timings()
        self._project = DbtProject(home, progress, memory_limit)

    def build(
        self, selector: str, cutoff: date | None = None, *, full_refresh: bool = False
    ) -> BuildReport:
        """Build and test what `selector` names on the side copy, as `DbtProject.build`."""
        with self.timings.stage("build"):
            report = self._project.build(
                self.side.database, selector, cutoff, full_refresh=full_refresh
            )
        self.timings.add_nodes(report.seconds)
        return report

    def publish(self) -> None:
        """Make the side copy the warehouse: the commit."""
        with self.timings.stage("publish"):
            self.side.publish()

    def docs(self) -> str:
        """The static docs page of the warehouse as it is, as HTML."""
        return self._project.docs()
