"""The types of money in the warehouse: as many decimals as source.money_decimals says.

A delivered line is DECIMAL(18), which is fast. A sum is DECIMAL(38): lines that each fit may not
fit together. The dbt project asks raw.transactions.amount how many decimals there are.
"""

import duckdb

from ml.home.config import USUAL_DECIMALS
from ml.warehouse.tables import has_column

# tables that are added to and never built again
SUMS = {
    "marts.customer_rfm": ("gross_revenue", "returned_revenue", "net_revenue"),
    "marts.clv_predictions_actual": ("actual_clv",),
    "intermediate.int_revenue_so_far": ("actual_so_far",),
}


def number_type(column: str, decimals: int) -> str:
    """Type of quantity, unit_price or amount of a line; only the amount may have fewer than four.

    >>> number_type("amount", 0), number_type("unit_price", 0)
    ('decimal(18, 0)', 'decimal(18, 4)')
    """
    return f"decimal(18, {decimals if column == 'amount' else max(decimals, USUAL_DECIMALS)})"


def set_money_decimals(con: duckdb.DuckDBPyConnection, decimals: int) -> None:
    """Give the columns of money so many decimals; sums of past batches never lose any.

    raw.transactions must hold no line that was read with others.
    """
    wanted = {
        ("raw.transactions", name): number_type(name, decimals)
        for name in ("quantity", "unit_price", "amount")
    }
    for table, names in SUMS.items():
        for name in names:
            _, scale = _precision(con, table, name)
            wanted[table, name] = f"decimal(38, {max(decimals, scale)})"
    for (table, name), kind in wanted.items():
        if has_column(con, table, name) and _type(con, table, name) != kind:
            con.execute(f"alter table {table} alter column {name} type {kind}")


def _type(con: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    return "decimal({}, {})".format(*_precision(con, table, column))


def _precision(con: duckdb.DuckDBPyConnection, table: str, column: str) -> tuple[int, int]:
    """Digits and decimals of a column; none where it is not there."""
    schema, _, name = table.partition(".")
    found = con.execute(
        "select numeric_precision, numeric_scale from information_schema.columns"
        " where table_schema = ? and table_name = ? and column_name = ?",
        [schema, name, column],
    ).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)
