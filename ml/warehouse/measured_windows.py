"""Windows that were measured. What is taken out here the next build of `monitor` measures anew."""

from datetime import date

import duckdb

from ml.warehouse.tables import tables

# tables that keep what was measured, each revision once
KEPT = {
    "intermediate.int_segment_sums",
    "intermediate.int_window_totals",
    "marts.clv_predictions_actual",
    "marts.drift_segments",
    "marts.drift_data_checks",
    "ml.drift_measurements",
}


def measure_anew(con: duckdb.DuckDBPyConnection, cutoff: date, model_id: str) -> None:
    """Take the newest revision of a window out of the side copy; its number stays the same.

    Of a window that was not measured nothing is there to take out.
    """
    there = tables(con)
    if "intermediate.int_matured_windows" not in there:
        return
    for table in sorted(KEPT & there):
        con.execute(
            f"delete from {table} where cutoff = $cutoff and model_id = $model_id and revision = ("
            "select max(revision) from intermediate.int_matured_windows"
            " where cutoff = $cutoff and model_id = $model_id)",
            {"cutoff": cutoff, "model_id": model_id},
        )
