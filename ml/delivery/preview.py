"""What the files hold, read as `load` reads them, before anything stands in the home.

Refusals, customer days and doubts are computed by the macros of the dbt project (dbt_macros), over
tables of a database that is thrown away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from ml.delivery.dbt_macros import rendered
from ml.delivery.load import load_files, said_of_files
from ml.home.config import Source
from ml.home.errors import DataNotReadyError
from ml.home.layout import Home
from ml.warehouse.doubts import Doubt, doubts
from ml.warehouse.left_out import LeftOut, left_out
from ml.warehouse.queries import Queries
from ml.warehouse.tables import records

SHOWN_ROWS = 5
QUERIES = Queries(__file__)


@dataclass(frozen=True)
class FirstRow:
    """A delivered row as `load` reads it, by our names; None where a value is missing."""

    customer_id: str | None
    ordered_at: datetime | None
    order_id: str | None
    product_id: str | None
    quantity: Decimal | None
    unit_price: Decimal | None
    amount: Decimal | None


@dataclass(frozen=True)
class YearTotals:
    """What a shop's own books say of a calendar year too; returns as a positive amount.

    orders: those with a positive amount; customers: who bought or returned something.
    """

    year: int
    orders: int
    customers: int
    net_revenue: float
    returns: float


@dataclass(frozen=True)
class ReadFiles:
    """What the files hold; customers, days, money and years are of the usable rows.

    refused: rows by the reason for which `load` would refuse them; refused_money: what these rows
    are worth, also by the look of a text that could not be read, None where none of them says.
    """

    row_count: int
    usable: int
    customers: int
    first_day: date
    last_day: date
    net_revenue: float
    files: list[str]
    refused: dict[str, int]
    refused_money: dict[str, float | None]
    years: list[YearTotals]
    left_out: list[LeftOut]
    doubts: list[Doubt]
    first_rows: list[FirstRow]


@dataclass(frozen=True)
class Preview(ReadFiles):
    """The files, the source section that reads them so, and what you should know of the guesses."""

    notes: list[str]
    source: Source
    home: str


def read_files(scratch: Home, source: Source) -> tuple[ReadFiles, list[str]]:
    """Rows, refusals, customers and days of the files, and the first rows in our names.

    Besides what to know of files that were not read plainly, in words.

    Raises DataNotReadyError where `load` would refuse the files.
    """
    with duckdb.connect(scratch.root / "preview.duckdb") as con:
        loaded = load_files(con, scratch, source)
        return _previewed(con, source, loaded.files_loaded), said_of_files(loaded)


def doubts_of(con: duckdb.DuckDBPyConnection) -> list[Doubt]:
    """What is doubted of the lines in schema `raw`."""
    _judge_lines(con)
    _count_days(con)
    return _doubts(con)


def _previewed(con: duckdb.DuckDBPyConnection, source: Source, files: list[str]) -> ReadFiles:
    """What schema `raw` holds."""
    _judge_lines(con)
    con.execute(rendered(_template("preview_reach")))
    (counts,) = con.execute(QUERIES["preview_counts"]).fetchall()
    reasons = con.execute(
        "select reason, count(*), sum(try_cast(estimated_amount as decimal(38, 4)))::double"
        " from refused group by reason order by count(*) desc, reason"
    ).fetchall()
    refused = {reason: rows for reason, rows, _ in reasons}
    _refuse_unusable(counts[0], counts[1], refused, source)
    top = con.execute(
        "select customer_id, ordered_at, order_id, product_id, quantity, unit_price, amount"
        f" from raw.transactions order by file_id, file_row limit {SHOWN_ROWS}"
    ).fetchall()
    _count_days(con)
    return ReadFiles(
        *counts,
        files=files,
        refused=refused,
        refused_money={reason: money for reason, _, money in reasons},
        years=[YearTotals(*row) for row in con.execute(QUERIES["preview_years"]).fetchall()],
        left_out=left_out(con),
        doubts=_doubts(con),
        first_rows=[FirstRow(*row) for row in top],
    )


def _judge_lines(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables `refused` and `accepted`, as the models of staging."""
    con.execute(rendered(_template("preview_lines")))


def _count_days(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table preview_days of what is accepted, as int_customer_days."""
    days = "{{ customer_days('accepted', days) }}"
    con.execute(rendered(f"create table preview_days as {days}", days=[]))
    years = con.execute("select distinct year(order_date) from accepted").fetchall()
    for (year,) in years:  # in parts: see the macro
        part = [date(year, 1, 1), date(year, 12, 31)]
        con.execute(rendered(f"insert into preview_days by name {days}", days=part))


def _doubts(con: duckdb.DuckDBPyConnection) -> list[Doubt]:
    """The rows of data_doubts, as the mart."""
    (sample,) = records(con, rendered("{{ doubt_sample_query('preview_days', 'raw.files') }}"))
    con.execute(rendered(_template("preview_doubts"), sample=sample))
    return doubts(con)


def _template(name: str) -> str:
    """A query that calls macros: no SQL before it is rendered."""
    return (Path(__file__).parent / "templates" / f"{name}.jinja").read_text(encoding="utf-8")


def _refuse_unusable(rows: int, usable: int, refused: dict[str, int], source: Source) -> None:
    """Raises DataNotReadyError where `load` would, with the same limit."""
    if not usable or rows - usable > source.max_rejected_share * rows:
        worst = ", ".join(f"{reason}: {count:,}" for reason, count in refused.items())
        raise DataNotReadyError(
            f"{rows - usable:,} of {rows:,} rows would be refused ({worst}), nothing was written",
            f"check the columns: {_pairs(source.columns.delivered())}",
        )


def _pairs(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{ours} = {yours}" for ours, yours in columns.items())
