"""Warehouses of batches alone, with the project's own views over them."""

from datetime import date
from pathlib import Path

import duckdb
import jinja2

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
FOLDER = PROJECT / "models" / "marts" / "views"
# in the order in which they read each other
VIEWS = ("batch_windows", "champion_batches")
COLUMNS = (
    "cutoff date, model_id varchar, role varchar, history_months integer, pred_months integer,"
    " window_start date, window_end date, customers bigint, predicted_total double,"
    " predicted_total_low double, predicted_total_high double"
)


def create_batches(con: duckdb.DuckDBPyConnection, newest: date) -> None:
    """Empty clv_batches and champion_manifest, the views over them alone, a log up to `newest`."""
    con.execute("create schema marts; create schema intermediate")
    con.execute(
        "create table intermediate.int_day_fingerprints as"
        " select $1 as activity_date, 1 as row_count",
        [newest],
    )
    rule = (PROJECT / "macros" / "lone_last_day.sql").read_text(encoding="utf-8")
    call = "{{ lone_last_day('intermediate.int_day_fingerprints') }}"
    reach = jinja2.Environment().from_string(rule + call).render()
    con.execute(f"create view intermediate.int_data_reach as {reach}")
    con.execute(f"create table marts.clv_batches ({COLUMNS})")
    con.execute("create table marts.champion_manifest (model_id varchar, ledger_row integer)")
    for name in VIEWS:
        template = jinja2.Environment().from_string(
            (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
        )
        con.execute(f"create view marts.{name} as {template.render(ref=_schema_of)}")


def _schema_of(model: str) -> str:
    return f"intermediate.{model}" if model.startswith("int_") else f"marts.{model}"
