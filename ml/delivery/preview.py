"""What the files hold, read as `load` reads them, before anything stands in the home."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import duckdb
import jinja2

from ml.delivery.load import load_files
from ml.home.config import Source
from ml.home.errors import DataNotReadyError
from ml.home.layout import REPOSITORY, Home

REJECTION_RULE = REPOSITORY / "dbt_project" / "macros" / "rejection_reason.sql"
SHOWN_ROWS = 5


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
class ReadFiles:
    """What the files hold; customers, days and money are of the usable rows.

    refused: rows by the reason for which `load` would refuse them.
    """

    row_count: int
    usable: int
    customers: int
    first_day: date
    last_day: date
    net_revenue: float
    files: list[str]
    refused: dict[str, int]
    first_rows: list[FirstRow]


@dataclass(frozen=True)
class Preview(ReadFiles):
    """The files, the source section that reads them so, and what you should know of the guesses."""

    notes: list[str]
    source: Source
    home: str


def read_files(scratch: Home, source: Source) -> ReadFiles:
    """Rows, refusals, customers and days of the files, and the first rows in our names.

    Raises DataNotReadyError where `load` would refuse the files.
    """
    rule = jinja2.Environment().from_string(REJECTION_RULE.read_text(encoding="utf-8")).module
    with duckdb.connect(scratch.root / "preview.duckdb") as con:
        files = load_files(con, scratch, source).files_loaded
        con.execute(
            "create temp view lines as select transactions.*, loaded_on,"
            f" {rule.rejection_reason()} as reason"  # type: ignore[attr-defined]
            " from raw.transactions inner join raw.files using (file_id)"
        )
        return _previewed(con, source, files)


def _previewed(con: duckdb.DuckDBPyConnection, source: Source, files: list[str]) -> ReadFiles:
    """What the view `lines` holds."""
    (counts,) = con.execute(
        "select count(*), count(*) filter (reason is null),"
        " count(distinct customer_id) filter (reason is null),"
        " min(ordered_at) filter (reason is null)::date,"
        " max(ordered_at) filter (reason is null)::date,"
        " sum(amount) filter (reason is null)::double from lines"
    ).fetchall()
    reasons = con.execute(
        "select reason, count(*) from lines where reason is not null"
        " group by reason order by count(*) desc, reason"
    ).fetchall()
    refused = dict(reasons)
    _refuse_unusable(counts[0], counts[1], refused, source)
    top = con.execute(
        "select customer_id, ordered_at, order_id, product_id, quantity, unit_price, amount"
        f" from lines order by file_id, file_row limit {SHOWN_ROWS}"
    ).fetchall()
    first_rows = [FirstRow(*row) for row in top]
    return ReadFiles(*counts, files=files, refused=refused, first_rows=first_rows)


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
