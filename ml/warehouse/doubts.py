"""Doubts about the delivered data, as marts.data_doubts says them. Reads, never writes."""

from dataclasses import dataclass

import duckdb

from ml.warehouse.queries import Queries
from ml.warehouse.tables import has_table, records

MART = "marts.data_doubts"
QUERIES = Queries(__file__)


@dataclass(frozen=True)
class Doubt:
    """A question about a file (or `all files`): what looks wrong, and what to type if it is.

    rows_share, money_share: 0-1, of the lines and of the money that it concerns; None if not known.
    """

    file: str
    kind: str
    words: str
    remedy: str
    rows_share: float | None
    money_share: float | None
    example: str | None


def doubts(con: duckdb.DuckDBPyConnection) -> list[Doubt]:
    """The doubts of the newest load, those about most money first; none before the first load."""
    if not has_table(con, MART):
        return []
    return [Doubt(**row) for row in records(con, QUERIES["doubts"])]
