"""One customer as the marts know it: past, prediction, its reasons, what came of it. Reads only."""

from datetime import date
from typing import Any

import duckdb

from ml.home.config import load_config
from ml.home.errors import CallError, DataNotReadyError
from ml.home.layout import Home
from ml.model.forecast.features import FEATURES
from ml.report.answers import (
    CustomerFeature,
    CustomerPrediction,
    Driver,
    ExplainAnswer,
    History,
    ModelBatch,
    Month,
)
from ml.warehouse import state
from ml.warehouse.queries import Queries
from ml.warehouse.side_copy import open_warehouse
from ml.warehouse.tables import has_table, records
from ml.warehouse.views import bring_over

# Columns of customer_rfm that say most to people, in the order in which they are shown.
SHOWN_FEATURES = (
    "recency_days",
    "customer_age_days",
    "order_count",
    "purchase_day_count",
    "net_revenue",
    "mean_order_value",
    "returned_revenue",
)

QUERIES = Queries(__file__)


def explain(home: Home, customer_id: str, cutoff: date | None = None) -> ExplainAnswer:
    """What the warehouse says of one customer; the batch of `cutoff`, else the newest.

    `prediction`, `drivers` and `features` are of that batch; when the newest does not hold the
    customer, of the last one that does. Amounts are in `currency`. Raises CallError for a customer
    without a line that counts and for a cutoff that was not scored, DataNotReadyError before the
    first load.
    """
    config = load_config(home)
    bring_over(home, memory_limit=config.resources.memory_limit)
    with open_warehouse(home) as con:
        if not has_table(con, "intermediate.int_customer_days"):
            raise DataNotReadyError("nothing is loaded yet", "run `python orchestrate.py load`")
        customer = {"customer_id": _spelled(con, customer_id)}
        (totals,) = records(con, QUERIES["customer_totals"], customer)
        newest_day = state.newest_day(con)
        months = records(con, QUERIES["customer_months"], customer | {"newest_day": newest_day})
        if not months:
            raise _not_known(con, customer)
        batches = _batches(con)
        wanted = _wanted([batch for batch in batches if batch["speaks"]], cutoff)
        scored = _predictions(con, batches, customer)
        shown = _shown(scored, wanted, is_asked_for=cutoff is not None)
        return ExplainAnswer(
            customer_id=customer["customer_id"],
            currency=config.source.currency,
            newest_day=newest_day,
            history=History(**totals, months=[Month(**month) for month in months]),
            batch=ModelBatch(**wanted) if wanted else None,
            prediction=CustomerPrediction(**shown) if shown else None,
            value_tiers=_value_tiers(con, shown),
            drivers=[Driver(**row) for row in _drivers(con, customer, shown)],
            features=[CustomerFeature(**row) for row in _features(con, customer, shown)],
            batches=[CustomerPrediction(**row) for row in scored],
        )


def _spelled(con: duckdb.DuckDBPyConnection, customer_id: str) -> str:
    """The id as loads read it: without blanks around, an e-mail in lower case."""
    known = "select 1 from intermediate.int_customer_days where customer_id = ? limit 1"
    if con.execute(known, [customer_id]).fetchone():
        return customer_id
    tidy = customer_id.strip()
    return tidy.lower() if "@" in tidy[1:-1] else tidy


def _wanted(spoken: list[dict[str, Any]], cutoff: date | None) -> dict[str, Any] | None:
    """The batch that is asked for; None before the first."""
    if cutoff is None:
        return spoken[-1] if spoken else None
    for batch in spoken:
        if batch["cutoff"] == cutoff:
            return batch
    near = min(spoken, key=lambda one: abs(one["cutoff"] - cutoff), default=None)
    hint = f"the nearest batch is {near['cutoff']}; " if near else ""
    raise CallError(f"--cutoff {cutoff}: not scored", f"{hint}`run --cutoff {cutoff}` scores it")


def _shown(
    scored: list[dict[str, Any]], wanted: dict[str, Any] | None, *, is_asked_for: bool
) -> dict[str, Any] | None:
    """The customer's row in the wanted batch, else, unless a cutoff was asked for, its last row."""
    rows = [row for row in scored if row["speaks"]]
    for row in rows:
        if wanted and row["cutoff"] == wanted["cutoff"]:
            return row
    return rows[-1] if rows and not is_asked_for else None


def _batches(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Every batch of every model, oldest first; none before the first."""
    if not has_table(con, "marts.champion_batches"):
        return []
    return records(con, QUERIES["customer_batches"])


def _predictions(
    con: duckdb.DuckDBPyConnection, batches: list[dict[str, Any]], customer: dict[str, Any]
) -> list[dict[str, Any]]:
    """The batches that scored the customer, each with what it said and what came of it."""
    if not batches:
        return []
    said = _by_batch(records(con, QUERIES["customer_predictions"], customer))
    came = {}
    if has_table(con, "marts.clv_predictions_actual"):
        came = _by_batch(records(con, QUERIES["customer_actuals"], customer))
    return [
        batch | said[key] | came.get(key, {"actual_clv": None})
        for batch in batches
        if (key := (batch["cutoff"], batch["model_id"])) in said
    ]


def _by_batch(rows: list[dict[str, Any]]) -> dict[tuple[date, str], dict[str, Any]]:
    return {(row["cutoff"], row["model_id"]): row for row in rows}


def _value_tiers(con: duckdb.DuckDBPyConnection, shown: dict[str, Any] | None) -> list[str]:
    if shown is None:
        return []
    rows = records(con, QUERIES["value_tiers"], _of(shown, "cutoff", "model_id"))
    return [row["value_tier"] for row in rows]


def _drivers(
    con: duckdb.DuckDBPyConnection, customer: dict[str, Any], shown: dict[str, Any] | None
) -> list[dict[str, Any]]:
    if shown is None:
        return []
    return records(con, QUERIES["customer_drivers"], customer | _of(shown, "cutoff", "model_id"))


def _features(
    con: duckdb.DuckDBPyConnection, customer: dict[str, Any], shown: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """SHOWN_FEATURES in words, beside the median of the batch."""
    if shown is None:
        return []
    figures = records(con, QUERIES["customer_features"], customer | _of(shown, "cutoff"))
    by_name = {row["feature"]: row for row in figures}
    said = {feature.name: {"words": feature.words, "unit": feature.unit} for feature in FEATURES}
    said["customer_age_days"] = {"words": "days since the first order ever", "unit": "days"}
    return [by_name[name] | said[name] for name in SHOWN_FEATURES if name in by_name]


def _not_known(con: duckdb.DuckDBPyConnection, customer: dict[str, Any]) -> CallError:
    """Why there is nothing to say; neither this id nor one like it, as ids are personal."""
    refused = records(con, QUERIES["customer_refused"], customer)
    if not refused:
        return CallError(
            "no such customer", "write the id exactly as it is in the files: 007 is not 7"
        )
    reasons = ", ".join(f"{one['reason']} {one['line_count']:,}" for one in refused)
    return CallError(
        f"every line of this customer was refused ({reasons})",
        "look at them in staging.stg_rejected_transactions",
    )


def _of(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}
