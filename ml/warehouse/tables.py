"""Tables of the warehouse by name, and the rows of a query as mappings. Reads, never writes."""

from typing import Any

import duckdb

from ml.warehouse.queries import Queries

QUERIES = Queries(__file__)


def tables(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Every table and view of the database, as schema.table."""
    rows = con.execute(
        "select table_schema || '.' || table_name from information_schema.tables"
    ).fetchall()
    return {name for (name,) in rows}


def has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether a table or view, written schema.table, is there."""
    return name in tables(con)


def has_column(con: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Whether a table or view, written schema.table, is there and has the column."""
    schema, _, name = table.partition(".")
    found = con.execute(
        "select 1 from information_schema.columns"
        " where table_schema = ? and table_name = ? and column_name = ?",
        [schema, name, column],
    )
    return found.fetchone() is not None


def records(
    con: duckdb.DuckDBPyConnection, query: str, values: object = None
) -> list[dict[str, Any]]:
    """The rows of a query, each as column -> value in the order of the columns."""
    answer = con.execute(query, values)
    names = [column[0] for column in answer.description or []]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def add_raw_columns(con: duckdb.DuckDBPyConnection) -> None:
    """Columns of schema raw that a warehouse of an earlier version lacks."""
    con.execute(QUERIES["raw_columns"])
