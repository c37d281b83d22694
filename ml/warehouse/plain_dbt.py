"""dbt as a person types it: what builds works on a side copy, what reads cannot write.

A plugin of dbt-duckdb, named in profiles.yml. `dbt build` and the others of BUILDING hold the lock
of the home and build in a side copy of the warehouse. The hook at the end of a build asks for
`finish_build`, which makes the copy the warehouse if nothing failed. So a build that fails, that is
killed or that `--fail-fast` ends leaves the warehouse as it was. Every other command of dbt opens
the warehouse for reading alone.

The engine's own builds come with CLV_WAREHOUSE, the side copy that the engine made. Nothing is done
for them here.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.invocation import get_invocation_id

from ml.home.config import load_config
from ml.home.errors import EngineError
from ml.home.layout import Home
from ml.warehouse import state
from ml.warehouse.queries import Queries
from ml.warehouse.side_copy import SideBuild, locked
from ml.warehouse.tables import records, tables
from ml.warehouse.views import add_columns

QUERIES = Queries(__file__)
BUILDING = {"build", "run", "seed", "snapshot"}


class Plugin(BasePlugin):
    """Where dbt-duckdb connects to: the side copy of a build, or the warehouse for reading."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self._side: SideBuild | None = None
        self._held = ExitStack()
        self._connection: Any = None
        # a build is over for the whole command of dbt, which may connect again
        self._finished: str | None = None

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Called before each connection. Raises DbtRuntimeError with the words of the engine."""
        if _is_of_the_engine():
            if not _builds():
                config["access_mode"] = "READ_ONLY"
            return
        with _words_of_the_engine():
            home = Home.resolve()
            if not home.database.exists():
                raise EngineError(
                    f"there is no warehouse in {home.root}",
                    "set CLV_HOME to the folder of your home, or load it first: "
                    "`orchestrate.py load`",
                )
            if _builds() and self._finished != get_invocation_id():
                _refuse_retry()
                creds.path = str(self._side_copy(home).database)
            else:
                creds.path = str(home.database)
                config["access_mode"] = "READ_ONLY"

    def configure_connection(self, conn: Any) -> None:
        """Give SQL the functions `finish_build` and `scored_cutoffs`."""
        self._connection = conn
        conn.create_function(
            "finish_build", self._finish, ["VARCHAR"], "VARCHAR", side_effects=True
        )
        conn.create_function("scored_cutoffs", self._scored_cutoffs, [], "VARCHAR")

    def _side_copy(self, home: Home) -> SideBuild:
        if self._side is None:
            self._held.enter_context(locked(home))
            self._side = SideBuild(home)
            with self._side.connect() as con:
                add_columns(con)  # a model cannot alter the table that its pre-hook deletes from
        return self._side

    def _finish(self, failed: str) -> str:
        """Publish the side copy, unless `failed` names what failed; returns what to tell."""
        if self._side is None:
            return ""
        with self._held:
            side, self._side = self._side, None
            self._finished = get_invocation_id()
            if failed:
                return f"Nothing is published: {failed} failed. The warehouse is as it was."
            self._connection.cursor().execute("checkpoint")
            side.replace_warehouse()
        return ""

    def _scored_cutoffs(self) -> str:
        """`: 10 are scored, 1997-12-31 to 1998-06-23, the next is …`; empty before the first."""
        with self._connection.cursor() as con:
            if not tables(con) >= {"marts.clv_batches", "marts.champion_manifest"}:
                return ""
            scored = next(iter(records(con, QUERIES["scored_cutoffs"])), None)
            if scored is None:
                return ""
            with _words_of_the_engine():
                last = load_config(Home.resolve()).run.last_score_cutoff
            champion = (scored["model_id"], scored["training_cutoff"])
            upcoming = state.upcoming_cutoff(con, last, *champion)
            newest, newest_day = scored["newest_cutoff"], state.newest_day(con)
        is_due = newest_day is not None and upcoming <= newest_day
        return (
            f": {scored['cutoffs']} are scored, {scored['first_cutoff']} to {newest}; the next is "
            f"{upcoming}, and the data ends on {newest_day}; "
            f"write --vars '{{cutoff: {upcoming if is_due else newest}}}'"
        )


def _is_of_the_engine() -> bool:
    return bool(os.environ.get("CLV_WAREHOUSE"))


def _builds() -> bool:
    return getattr(get_flags(), "WHICH", None) in BUILDING


def _refuse_retry() -> None:
    """Raises EngineError for `dbt retry`, which runs the rest of a build alone."""
    if "retry" in sys.argv[1:]:  # dbt itself says `build` from then on
        raise EngineError(
            "`dbt retry` goes on from a build of which nothing was published",
            "type the command again that failed",
        )


@contextmanager
def _words_of_the_engine() -> Iterator[None]:
    """dbt shows the text of its own errors, and a traceback of any other."""
    try:
        yield
    except EngineError as error:
        raise DbtRuntimeError(str(error)) from None
