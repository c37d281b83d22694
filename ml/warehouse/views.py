"""Views, columns, verdicts, doubts: a warehouse of an earlier version is brought over to them.

Predictions and what was measured stay as they are; the verdicts follow from it. What is missing is
added on a side copy, tested and published like everything else; after that the warehouse is one of
today.
"""

from collections.abc import Callable
from itertools import chain

import duckdb

from ml.home.errors import EngineError
from ml.home.layout import Home
from ml.warehouse.dbt_project import PROJECT
from ml.warehouse.doubts import MART
from ml.warehouse.queries import Queries
from ml.warehouse.side_copy import locked, open_warehouse
from ml.warehouse.tables import add_raw_columns, has_column, has_table, tables
from ml.warehouse.workbench import Workbench

FOLDER = PROJECT / "models" / "marts" / "views"
# what the views read; a warehouse without one of them has no batch yet, or is broken
READ = {
    "intermediate.int_customer_days",
    "intermediate.int_day_fingerprints",
    "marts.champion_manifest",
    "marts.clv_batches",
    "marts.clv_clusters",
    "marts.clv_drivers",
    "marts.clv_predictions",
    "marts.clv_ranked_predictions",
}
# how far the data reaches, which earlier versions told by the last day of the log alone
DATA_REACH = "intermediate.int_data_reach"
# the share of new customers, which earlier versions counted inside the history window
WARNINGS = ("intermediate.int_population_shift", "marts.early_warnings")
# what the doubts read; a warehouse without one of them is not loaded yet, or is broken
LOADED = {"raw.files", "intermediate.int_customer_days", "staging.stg_rejected_transactions"}
RFM, FIRST_ORDER = "marts.customer_rfm", "first_order_date"
RANKED, TIER_RANK = "marts.clv_ranked_predictions", "value_tier_rank"
BEHAVIOUR = "marts.clv_cluster_behaviour"
CUSTOMERS = "intermediate.int_customers"
MEASURED_LOAD = "intermediate.int_measured_load"
QUERIES = Queries(__file__)
# what the verdicts read first; a warehouse with drift_report but without them has earlier ones
VERDICTS = {
    "intermediate.int_judged_windows",
    "intermediate.int_window_totals",
    "staging.stg_currency",
}
MEASURED = {"marts.drift_report", "ml.drift_measurements", "intermediate.int_population_shift"}


def missing_views(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Views, as schema.table, that are not there although what they read is."""
    there = tables(con)
    if not there >= READ:
        return []
    return sorted({DATA_REACH, *(f"marts.{path.stem}" for path in FOLDER.glob("*.sql"))} - there)


def missing_columns(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Tables and columns, as schema.table and schema.table.column, that marts of today have.

    None is missing before the first batch.
    """
    there = tables(con)
    if RFM not in there:
        return []
    columns = ((RFM, FIRST_ORDER), (RANKED, TIER_RANK))
    return sorted({BEHAVIOUR} - there) + [
        f"{table}.{column}"
        for table, column in columns
        if table in there and not has_column(con, table, column)
    ]


def add_columns(con: duckdb.DuckDBPyConnection) -> None:
    """Fill what `missing_columns` names; nothing where nothing is missing.

    First orders of the customers and numbers of the tiers are known of every batch; then the next
    run warns. What names of clusters mean is known from the next batch on.
    """
    missing = {*missing_columns(con)}
    if f"{RANKED}.{TIER_RANK}" in missing:
        con.execute(QUERIES["value_tier_ranks"])
    if f"{RFM}.{FIRST_ORDER}" in missing:
        con.execute(QUERIES["first_orders"])
    if missing & {f"{RFM}.{FIRST_ORDER}", BEHAVIOUR}:
        con.execute(QUERIES["cluster_behaviour"])
        _forget_warnings(con)


def _forget_warnings(con: duckdb.DuckDBPyConnection) -> None:
    """Warnings that called old customers new go. The next run warns by the whole log."""
    for table in tables(con) & {*WARNINGS}:
        con.execute(f"delete from {table} where indicator = 'new_customer_share'")
    if has_table(con, MEASURED_LOAD):
        # no batch is known to be looked at: the next run looks at all
        con.execute(f"update {MEASURED_LOAD} set batches_hash = null")


def missing_verdicts(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Tables of VERDICTS that are not there although windows were measured."""
    there = tables(con)
    return sorted(VERDICTS - there) if there >= MEASURED else []


def missing_doubts(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The mart of the doubts, if it is not there although files are loaded."""
    there = tables(con)
    return sorted({MART} - there) if there >= LOADED else []


def missing_customers(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The table of the log's customers, if it is not there although files are loaded."""
    there = tables(con)
    return sorted({CUSTOMERS} - there) if there >= LOADED else []


def missing(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Tables and views that are missing, by the selector of dbt that builds them."""
    return {
        "doubts": missing_doubts(con),
        "customers": missing_customers(con),
        "views": missing_views(con),
        "verdicts": missing_verdicts(con),
    }


def bring_over(
    home: Home,
    progress: Callable[[str], None] = lambda _: None,
    memory_limit: str | None = None,
) -> None:
    """Add the views, columns, verdicts and doubts that a warehouse of an earlier version lacks.

    Every command that reads them calls this before it opens the home. Takes the lock only when
    there is something to add. Raises LockHeldError when another command holds it, EngineError when
    the warehouse is somebody else's.
    """
    with open_warehouse(home) as con:
        columns, to_build = missing_columns(con), missing(con)
    if not columns and not any(to_build.values()):
        return
    try:
        with locked(home):
            bench = Workbench(home, progress, memory_limit)
            if columns:
                progress("adding columns to a warehouse of an earlier version")
                with bench.side.connect() as con:
                    add_columns(con)
            if to_build["doubts"]:
                with bench.side.connect() as con:
                    add_raw_columns(con)
            for selector, names in to_build.items():
                if names:
                    progress(f"adding {selector} to a warehouse of an earlier version")
                    bench.build(selector)
            bench.publish()
    except PermissionError:
        raise EngineError(
            f"{home.relative(home.database)}: an earlier version made it, and only its owner can "
            f"add what this version reads ({', '.join([*columns, *chain(*to_build.values())])})",
            "ask the owner to run any command once, such as `status`",
        ) from None
