"""Batches as files. Owns warehouse/outputs/*.csv and *.parquet; all of them follow from the marts.

CSV files are for people and spreadsheets, Parquet copies (`exports.parquet`) keep the types and the
text of the marts as they are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from ml.home.files import place_atomically
from ml.home.layout import Home
from ml.warehouse.tables import has_table

# mart -> order of its rows in the file
EXPORTED = {
    "clv_predictions": "customer_id",
    "clv_ranked_predictions": "clv_rank",
    "clv_clusters": "customer_id",
    "clv_cluster_ranking": "cluster_rank",
}


# the same, written once the label window has matured
MEASURED = {"clv_predictions_actual": "customer_id"}
ALERT, ALERT_ENDINGS = "drift_alert", (".md", ".png")
CSV, PARQUET = ".csv", ".parquet"

Writer = Callable[[Path], None]


@dataclass(frozen=True)
class Batch:
    """The rows of one cutoff and one model."""

    cutoff: date
    pred_months: int
    model_id: str


def batches(con: duckdb.DuckDBPyConnection) -> list[Batch]:
    """The champions' batches, whose files exist or should, by cutoff.

    Of two models that scored the same cutoff and months the later champion's is exported.
    """
    if not has_table(con, "marts.champion_batches"):
        return []
    rows = con.execute(
        "select cutoff, pred_months, model_id from marts.champion_batches"
        " order by cutoff, pred_months"
    ).fetchall()
    return [Batch(*row) for row in rows]


def export_path(home: Home, mart: str, batch: Batch, ending: str = CSV) -> Path:
    """`<mart>_<DATE>_pred<X>m<ending>` in the outputs of the home."""
    return home.outputs / f"{mart}_{batch.cutoff.isoformat()}_pred{batch.pred_months}m{ending}"


def export_paths(home: Home, batch: Batch) -> list[Path]:
    """All files of `batch`, whether they exist or not."""
    marts = (*EXPORTED, *MEASURED)
    tables = [export_path(home, mart, batch, end) for mart in marts for end in (CSV, PARQUET)]
    return tables + [alert_path(home, batch, ending) for ending in ALERT_ENDINGS]


def alert_path(home: Home, batch: Batch, ending: str) -> Path:
    """`drift_alert_<DATE>_pred<X>m<ending>` in the outputs of the home."""
    return export_path(home, ALERT, batch, ending)


def files_of_batch(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    batch: Batch,
    purged: frozenset[Path] = frozenset(),
    *,
    parquet: bool = False,
) -> dict[Path, str]:
    """The mart of every file that should be there for `batch`.

    With `parquet` each CSV has a copy; a table whose CSV was purged has none.
    """
    files = {}
    for mart in (*EXPORTED, *(MEASURED if _is_measured(con, batch) else {})):
        csv = export_path(home, mart, batch)
        for path in (csv, csv.with_suffix(PARQUET)) if parquet else (csv,):
            if not purged & {csv, path}:
                files[path] = mart
    return files


def export_batch(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    batch: Batch,
    purged: frozenset[Path] = frozenset(),
    *,
    parquet: bool = False,
) -> list[Path]:
    """Write those of `files_of_batch` that are missing; returns them."""
    files = files_of_batch(con, home, batch, purged, parquet=parquet)
    written = [path for path in files if not path.exists()]
    for path in written:
        mart = files[path]
        order = (EXPORTED | MEASURED)[mart]
        place_atomically(path, WRITERS[path.suffix](con, mart, order, batch))
    return written


def withdraw(home: Home, batch: Batch) -> None:
    """Remove the files of a batch that is about to be replaced: a missing file is made again."""
    _remove(home, EXPORTED, batch)


def withdraw_measured(home: Home, batch: Batch) -> None:
    """The same for the actuals of a window that was measured anew."""
    _remove(home, MEASURED, batch)


def _remove(home: Home, marts: Iterable[str], batch: Batch) -> None:
    for mart in marts:
        for ending in (CSV, PARQUET):
            export_path(home, mart, batch, ending).unlink(missing_ok=True)


def _is_measured(con: duckdb.DuckDBPyConnection, batch: Batch) -> bool:
    """Whether the label window of `batch` has matured and was measured."""
    return has_table(con, "marts.drift_report") and bool(
        con.execute(
            "select 1 from marts.drift_report where cutoff = ? and model_id = ? limit 1",
            [batch.cutoff, batch.model_id],
        ).fetchone()
    )


def _csv_writer(con: duckdb.DuckDBPyConnection, mart: str, order: str, batch: Batch) -> Writer:
    columns = con.execute(
        "select column_name, data_type from information_schema.columns"
        " where table_schema = 'marts' and table_name = ? order by ordinal_position",
        [mart],
    ).fetchall()
    selected = ", ".join(
        f"{_harmless(name)} as {name}" if kind == "VARCHAR" else name for name, kind in columns
    )
    rows = _rows(con, selected, mart, order, batch)
    return lambda part: rows.write_csv(str(part), header=True)


def _parquet_writer(con: duckdb.DuckDBPyConnection, mart: str, order: str, batch: Batch) -> Writer:
    rows = _rows(con, "*", mart, order, batch)
    return lambda part: rows.write_parquet(str(part), compression="zstd")


def _rows(
    con: duckdb.DuckDBPyConnection, selected: str, mart: str, order: str, batch: Batch
) -> duckdb.DuckDBPyRelation:
    return con.sql(
        f"select {selected} from marts.{mart} where cutoff = $1 and model_id = $2 order by {order}",
        params=[batch.cutoff, batch.model_id],
    )


def _harmless(column: str) -> str:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe."""
    return (
        f"case when regexp_matches({column}, '^[=+\\-@\\t\\r]')"
        f" and not regexp_full_match({column}, '[+-]?[0-9]+([.][0-9]+)?')"
        f" then '''' || {column} else {column} end"
    )


WRITERS = {CSV: _csv_writer, PARQUET: _parquet_writer}
