"""What the warehouse says of itself: deliveries, days, batches. Reads, never writes."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from ml.home.dates import next_cutoff
from ml.warehouse.queries import Queries
from ml.warehouse.tables import has_table, records

QUERIES = Queries(__file__)
DATA_REACH = "intermediate.int_data_reach"


@dataclass(frozen=True)
class Delivery:
    """Lines delivered = forgotten + repeated in a second file + rejected + accepted.

    newest_day: how far the data reaches. lone_day: the first of the last days that are too far
    behind it to count, None without; lone_lines: accepted lines from that day on.
    """

    delivered: int
    forgotten: int
    repeated: int
    accepted: int
    rejected: dict[str, int]
    customers: int
    first_day: date | None
    newest_day: date | None
    lone_day: date | None
    lone_lines: int

    @property
    def rejected_share(self) -> float:
        """Share of refused lines among lines counted once, 0 without lines."""
        rejected = sum(self.rejected.values())
        return rejected / (rejected + self.accepted) if rejected else 0.0

    @property
    def lone_words(self) -> str:
        """`1 line from 2021-05-20 on is left aside`; empty without a lone day."""
        if self.lone_day is None:
            return ""
        lines = "1 line" if self.lone_lines == 1 else f"{self.lone_lines:,} lines"
        verb = "is" if self.lone_lines == 1 else "are"
        return f"{lines} from {self.lone_day} on {verb} left aside"


def delivery(con: duckdb.DuckDBPyConnection) -> Delivery:
    """Counts over all current files. Raises nothing on a warehouse before its first load."""
    if not has_table(con, "intermediate.int_customer_days"):
        return Delivery(0, 0, 0, 0, {}, 0, None, None, None, 0)
    forgotten = _forgotten_lines(con)
    kept, repeated, customers, first_day = _row(con, QUERIES["delivery"])
    refused = dict(con.execute(QUERIES["refused"]).fetchall())
    accepted = kept - repeated - sum(refused.values())
    counts = (kept + forgotten, forgotten, repeated, accepted)
    lone_day = _lone_day(con)
    lone_lines = lines_since(con, lone_day) if lone_day else 0
    days = (first_day, newest_day(con), lone_day, lone_lines)
    return Delivery(*counts, refused, customers, *days)


def rejected_money(con: duckdb.DuckDBPyConnection) -> dict[str, float | None]:
    """What the refused lines are worth by reason, None where no line of a reason says it."""
    return {
        row["reason"]: row["estimated_amount"] for row in records(con, QUERIES["refused_money"])
    }


def _forgotten_lines(con: duckdb.DuckDBPyConnection) -> int:
    """Lines that were left out because their customer was forgotten."""
    if not has_table(con, "raw.forgotten_lines"):
        return 0
    return _row(
        con,
        "select coalesce(sum(line_count), 0)::bigint from raw.forgotten_lines"
        " where file_id in (select file_id from raw.files where is_current)",
    )[0]


def newest_day(con: duckdb.DuckDBPyConnection) -> date | None:
    """The newest loaded day that is not lone, None before the first load.

    A warehouse of an earlier version that has no batch yet knows no lone days.
    """
    if has_table(con, DATA_REACH):
        return _row(con, f"select newest_date from {DATA_REACH}")[0]
    if not has_table(con, "intermediate.int_customer_days"):
        return None
    return _row(con, "select max(activity_date) from intermediate.int_customer_days")[0]


def _lone_day(con: duckdb.DuckDBPyConnection) -> date | None:
    """The first of the last days that do not move the calendar, None without."""
    if not has_table(con, DATA_REACH):
        return None
    return _row(con, f"select first_lone_date from {DATA_REACH}")[0]


def lines_since(con: duckdb.DuckDBPyConnection, day: date) -> int:
    """Accepted lines of `day` and later days."""
    return _row(con, "select count(*) from staging.stg_transactions where ordered_at >= ?", [day])[
        0
    ]


def first_day(con: duckdb.DuckDBPyConnection) -> date:
    """The oldest loaded day."""
    return _row(con, "select min(activity_date) from intermediate.int_customer_days")[0]


def content_of_files(con: duckdb.DuckDBPyConnection) -> list[str]:
    """sha256 of the loaded files and of how they were read, sorted."""
    rows = con.execute(
        "select content_sha256 || reading_sha256 from raw.files where is_current order by 1"
    )
    return [content for (content,) in rows.fetchall()]


def customer_count(con: duckdb.DuckDBPyConnection, first_day: date, last_day: date) -> int:
    """Customers with a purchase on the days first_day..last_day."""
    return _row(
        con,
        "select count(distinct customer_id) from intermediate.int_customer_days"
        " where order_count > 0 and activity_date between ? and ?",
        [first_day, last_day],
    )[0]


def first_scored_cutoff(
    con: duckdb.DuckDBPyConnection, model_id: str, training_cutoff: date
) -> date | None:
    """First cutoff the model scored on or after its training cutoff, None before."""
    if not has_table(con, "marts.clv_batches"):
        return None
    return _row(
        con,
        "select min(cutoff) from marts.clv_batches where model_id = ? and cutoff >= ?",
        [model_id, training_cutoff],
    )[0]


def upcoming_cutoff(
    con: duckdb.DuckDBPyConnection, last: date | None, model_id: str, training_cutoff: date
) -> date:
    """The next scheduled cutoff of a champion after `last`, the last one of the calendar.

    None: nothing was scheduled yet, and the champion's own training cutoff is next.
    """
    if last is None:
        return training_cutoff
    return next_cutoff(last, first_scored_cutoff(con, model_id, training_cutoff))


def batch_facts(con: duckdb.DuckDBPyConnection, cutoff: date, model_id: str) -> dict[str, Any]:
    """The headline numbers of one batch."""
    customers, total, low, high, end = _row(
        con,
        "select customers, predicted_total, predicted_total_low, predicted_total_high, window_end"
        " from marts.clv_batches where cutoff = ? and model_id = ?",
        [cutoff, model_id],
    )
    return {
        "cutoff": cutoff,
        "customers": customers,
        "predicted_total": total,
        "predicted_total_low": low,
        "predicted_total_high": high,
        "window_end": end,
    }


def measurements(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Verdicts of all measured windows of champions, newest revisions, by cutoff."""
    return records(con, QUERIES["measurements"]) if has_table(con, "marts.drift_report") else []


def early_warnings(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """What the champions' open windows warn of, by cutoff, alarms first."""
    return records(con, QUERIES["early_warnings"]) if has_table(con, "marts.early_warnings") else []


def is_measured(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether matured windows and early warnings know the newest load and every batch."""
    if not has_table(con, "marts.batch_windows"):
        return True
    if not has_table(con, "intermediate.int_measured_load"):
        return False
    (row,) = records(con, QUERIES["measured_load"])
    known = (row["known_load_id"], row["known_batches_hash"])
    return not row["unmeasured"] and known == (row["load_id"], row["batches_hash"])


def open_windows(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Batches whose label window the data has not reached the end of, soonest first."""
    return records(con, QUERIES["open_windows"]) if has_table(con, "marts.batch_windows") else []


def _row(con: duckdb.DuckDBPyConnection, sql: str, values: list[Any] | None = None) -> Any:
    return con.execute(sql, values or []).fetchone()
