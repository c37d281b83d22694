"""Lines that source.keep and source.drop leave out, by the value that does. Reads, never writes."""

from dataclasses import dataclass

import duckdb

from ml.warehouse.queries import Queries
from ml.warehouse.tables import has_table, records

QUERIES = Queries(__file__)


@dataclass(frozen=True)
class LeftOut:
    """Lines with one value of a delivered column; an empty value is an empty cell.

    amount: their money in source.currency, None where no amount can be read.
    """

    column_name: str
    value: str
    line_count: int
    amount: float | None


def left_out(con: duckdb.DuckDBPyConnection) -> list[LeftOut]:
    """The twenty values with most lines; none where nothing is left out."""
    if not has_table(con, "raw.left_out_lines"):
        return []
    return [LeftOut(**row) for row in records(con, QUERIES["left_out"])]
