"""Views and verdicts: a warehouse that an earlier version made is brought over to them.

Batches and what they hold stay as they are, and so does what was measured: the verdicts follow from
it. Both are built on a side copy, tested and published like everything else; after that the
warehouse is one of today.
"""

from collections.abc import Callable
from itertools import chain

import duckdb

from ml.home.errors import EngineError
from ml.home.layout import Home
from ml.warehouse.dbt_project import PROJECT
from ml.warehouse.side_copy import locked, open_warehouse
from ml.warehouse.tables import tables
from ml.warehouse.workbench import Workbench

FOLDER = PROJECT / "models" / "marts" / "views"
# what the views read; a warehouse without one of them has no batch yet, or is broken
READ = {"intermediate.int_customer_days", "marts.champion_manifest", "marts.clv_batches"}
# what the verdicts read first; a warehouse with drift_report but without them has earlier ones
VERDICTS = {"intermediate.int_judged_windows", "intermediate.int_window_totals"}


def missing_views(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Views, as schema.table, that are not there although what they read is."""
    there = tables(con)
    if not there >= READ:
        return []
    return sorted({f"marts.{path.stem}" for path in FOLDER.glob("*.sql")} - there)


def missing_verdicts(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Tables of VERDICTS that are not there although windows were measured."""
    there = tables(con)
    return sorted(VERDICTS - there) if "marts.drift_report" in there else []


def bring_over(
    home: Home,
    progress: Callable[[str], None] = lambda _: None,
    memory_limit: str | None = None,
) -> None:
    """Add the views and verdicts that a warehouse of an earlier version lacks.

    Every command that reads them calls this before it opens the home. Takes the lock only when
    there is something to add. Raises LockHeldError when another command holds it, EngineError when
    the warehouse is somebody else's.
    """
    with open_warehouse(home) as con:
        missing = {"views": missing_views(con), "verdicts": missing_verdicts(con)}
    if not any(missing.values()):
        return
    try:
        with locked(home):
            bench = Workbench(home, progress, memory_limit)
            for selector, names in missing.items():
                if names:
                    progress(f"adding {selector} to a warehouse of an earlier version")
                    bench.build(selector)
            bench.publish()
    except PermissionError:
        raise EngineError(
            f"{home.relative(home.database)}: an earlier version made it, and only its owner can "
            f"add what this version reads ({', '.join(chain(*missing.values()))})",
            "ask the owner to run any command once, such as `status`",
        ) from None
