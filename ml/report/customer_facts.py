"""One customer as the marts know it: past, prediction, its reasons, what came of it. Reads only."""

from datetime import date
from typing import Any

import duckdb

from ml.home.config import load_config
from ml.home.errors import CallError, DataNotReadyError
from ml.home.layout import Home
from ml.model.forecast.features import FEATURES
from ml.warehouse import state
from ml.warehouse.side_copy import reading
from ml.warehouse.views import bring_over

# Columns of customer_rfm that say most to people, in the order in which they are shown.
SHOWN_FEATURES = (
    "recency_days",
    "tenure_days",
    "order_count",
    "purchase_day_count",
    "net_revenue",
    "mean_order_value",
    "returned_revenue",
)

TOTALS = """
select
    min(activity_date) filter (order_count > 0) as first_purchase,
    max(activity_date) filter (order_count > 0) as last_purchase,
    coalesce(sum(order_count), 0)::bigint as order_count,
    coalesce(sum(net_revenue), 0)::double as net_revenue,
    coalesce(sum(returned_revenue), 0)::double as returned_revenue,
from intermediate.int_customer_days
where customer_id = $customer_id
"""

# every month from the customer's first to the newest of the log, quiet ones too
MONTHS = """
with days as (
    select
        date_trunc('month', activity_date)::date as month,
        order_count,
        net_revenue,
    from intermediate.int_customer_days
    where customer_id = $customer_id
),
months as (
    select unnest(generate_series(
        (select min(month) from days),
        (select max(activity_date) from intermediate.int_customer_days),
        interval 1 month
    ))::date as month
)
select
    strftime(months.month, '%Y-%m') as month,
    coalesce(sum(days.order_count), 0)::bigint as order_count,
    coalesce(sum(days.net_revenue), 0)::double as net_revenue,
from months
left join days
    on months.month = days.month
group by months.month
order by months.month
"""

# of two champions that scored a cutoff the later one speaks for it
BATCHES = """
select
    batches.cutoff,
    batches.model_id,
    batches.role,
    batches.role = 'champion' and manifest.ledger_row = max(manifest.ledger_row)
        filter (batches.role = 'champion') over (partition by batches.cutoff) as speaks,
    batches.history_months,
    batches.pred_months,
    batches.window_start,
    batches.window_end,
    batches.window_end <= (select max(activity_date) from intermediate.int_customer_days)
        as is_matured,
    batches.customers,
from marts.clv_batches as batches
inner join (
    select model_id, max(ledger_row) as ledger_row
    from marts.champion_manifest
    group by model_id
) as manifest
    on batches.model_id = manifest.model_id
order by batches.cutoff, manifest.ledger_row
"""

PREDICTIONS = """
select
    batches.*,
    predictions.predicted_clv,
    predictions.predicted_clv_low,
    predictions.predicted_clv_high,
    predictions.probability_of_purchase,
    ranked.clv_rank,
    ranked.clv_percentile,
    ranked.value_tier,
    clusters.cluster_id,
    clusters.cluster_name,
    {actual},
from ({batches}) as batches
inner join marts.clv_predictions as predictions
    on
        batches.cutoff = predictions.cutoff
        and batches.model_id = predictions.model_id
left join marts.clv_ranked_predictions as ranked
    on
        predictions.customer_id = ranked.customer_id
        and predictions.cutoff = ranked.cutoff
        and predictions.model_id = ranked.model_id
left join marts.clv_clusters as clusters
    on
        predictions.customer_id = clusters.customer_id
        and predictions.cutoff = clusters.cutoff
        and predictions.model_id = clusters.model_id
{actuals}
where predictions.customer_id = $customer_id
order by batches.cutoff, batches.speaks, batches.model_id
"""

ACTUALS = """
left join (
    select * from marts.clv_predictions_actual
    where customer_id = $customer_id
    qualify revision = max(revision) over (partition by cutoff, model_id)
) as actuals
    on
        predictions.cutoff = actuals.cutoff
        and predictions.model_id = actuals.model_id
"""

DRIVERS = """
select driver_rank, driver_name, driver_value, driver_factor, driver_text
from marts.clv_drivers
where customer_id = $customer_id and cutoff = $cutoff and model_id = $model_id
order by driver_rank
"""

FEATURES_OF_CUTOFF = """
with figures as (
    unpivot (
        select customer_id, {columns} from marts.customer_rfm where cutoff = $cutoff
    )
    on columns(* exclude (customer_id)) into name feature value value
)
select
    feature,
    max(value) filter (customer_id = $customer_id) as value,
    median(value) as batch_median,
from figures
group by feature
having count(*) filter (customer_id = $customer_id) > 0
"""

REFUSED = """
select reason, count(*) as line_count
from staging.stg_rejected_transactions
where customer_id = $customer_id
group by reason
order by line_count desc, reason
"""


def explain(home: Home, customer_id: str, cutoff: date | None = None) -> dict[str, Any]:
    """What the warehouse says of one customer; the batch of `cutoff`, else the newest.

    `prediction`, `drivers` and `features` are of that batch; when the newest does not hold the
    customer, of the last one that does. Amounts are in `currency`. Raises CallError for a customer
    without a line that counts and for a cutoff that was not scored, DataNotReadyError before the
    first load.
    """
    config = load_config(home)
    bring_over(home, memory_limit=config.resources.memory_limit)
    with reading(home) as con:
        known = _known_tables(con)
        if "int_customer_days" not in known:
            raise DataNotReadyError("nothing is loaded yet", "run `python orchestrate.py load`")
        customer = {"customer_id": customer_id}
        (totals,) = _records(con, TOTALS, customer)
        months = _records(con, MONTHS, customer)
        if not months:
            raise _not_known(con, customer)
        spoken = [one for one in _batches(con, known) if one["speaks"]]
        wanted = _wanted(spoken, cutoff)
        scored = _predictions(con, known, customer)
        shown = _shown(scored, wanted, is_asked_for=cutoff is not None)
        return {
            **customer,
            "currency": config.source.currency,
            "newest_day": state.newest_day(con),
            "history": totals | {"months": months},
            "batch": wanted,
            "prediction": shown,
            "drivers": _drivers(con, customer, shown),
            "features": _features(con, customer, shown),
            "batches": scored,
        }


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


def _batches(con: duckdb.DuckDBPyConnection, known: set[str]) -> list[dict[str, Any]]:
    return _records(con, BATCHES, {}) if "clv_batches" in known else []


def _predictions(
    con: duckdb.DuckDBPyConnection, known: set[str], customer: dict[str, Any]
) -> list[dict[str, Any]]:
    """One row per batch and model that scored the customer, by cutoff."""
    if "clv_batches" not in known:
        return []
    has_actuals = "clv_predictions_actual" in known
    sql = PREDICTIONS.format(
        batches=BATCHES,
        actual="actuals.actual_clv::double as actual_clv"
        if has_actuals
        else "null::double as actual_clv",
        actuals=ACTUALS if has_actuals else "",
    )
    return _records(con, sql, customer)


def _drivers(
    con: duckdb.DuckDBPyConnection, customer: dict[str, Any], shown: dict[str, Any] | None
) -> list[dict[str, Any]]:
    if shown is None:
        return []
    return _records(con, DRIVERS, customer | _of(shown, "cutoff", "model_id"))


def _features(
    con: duckdb.DuckDBPyConnection, customer: dict[str, Any], shown: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """SHOWN_FEATURES in words, beside the median of the batch."""
    if shown is None:
        return []
    columns = ", ".join(f"{name}::double as {name}" for name in SHOWN_FEATURES)
    sql = FEATURES_OF_CUTOFF.format(columns=columns)
    found = {row["feature"]: row for row in _records(con, sql, customer | _of(shown, "cutoff"))}
    said = {feature.name: {"words": feature.words, "unit": feature.unit} for feature in FEATURES}
    return [found[name] | said[name] for name in SHOWN_FEATURES if name in found]


def _not_known(con: duckdb.DuckDBPyConnection, customer: dict[str, Any]) -> CallError:
    """Why there is nothing to say; neither this id nor one like it, as ids are personal."""
    refused = _records(con, REFUSED, customer)
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


def _known_tables(con: duckdb.DuckDBPyConnection) -> set[str]:
    return {
        name
        for (name,) in con.execute(
            "select table_name from information_schema.tables"
            " where table_schema in ('intermediate', 'marts')"
        ).fetchall()
    }


def _records(
    con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any]
) -> list[dict[str, Any]]:
    found = con.execute(sql, values)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
