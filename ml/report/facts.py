"""What the report tells: aggregates of the marts, never a single customer. Reads, never writes.

Sums are made of DECIMAL, so that the same warehouse gives the same digits.
"""

import csv
import io
import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ml.home.layout import Home
from ml.warehouse import state

Row = dict[str, Any]
SHOWN_BATCHES = 26
SHOWN_WINDOWS = 26
SHOWN_MODELS = 12
GAIN_STEPS = 50
# as `tune` names the file of its cells
GRID_CELLS = "grid_search_cells"
# of two champions that scored a cutoff the later one counts, as in the CSV files
CHAMPION_BATCHES = """
    select batches.*
    from marts.clv_batches as batches
    inner join (
        select model_id, max(ledger_row) as ledger_row
        from marts.champion_manifest group by model_id
    ) as manifest on batches.model_id = manifest.model_id
    where batches.role = 'champion'
    qualify row_number() over (partition by cutoff order by ledger_row desc) = 1
"""
ACTUAL_TOTALS = """
    select cutoff, model_id, actual_total from marts.drift_report where is_newest_revision
"""
NO_TOTALS = """
    select null::date as cutoff, null::varchar as model_id, null::double as actual_total
"""
HEADLINE = """
    select
        median(predicted_clv) as median_clv,
        sum(cast(probability_of_purchase as decimal(18, 9)))::double as expected_buyers,
    from marts.clv_predictions
    where cutoff = $1 and model_id = $2
"""
TIERS = """
    with customers as (
        select *, cast(predicted_clv as decimal(18, 4)) as money
        from marts.clv_ranked_predictions
        left join marts.customer_rfm using (customer_id, cutoff)
        where cutoff = $1 and model_id = $2
    )
    select
        value_tier,
        count(*) as customers,
        count(*) / sum(count(*)) over () as customer_share,
        sum(money)::double as revenue,
        coalesce(revenue / nullif((sum(sum(money)) over ())::double, 0), 0) as revenue_share,
        sum(cast(probability_of_purchase as decimal(18, 9)))::double / count(*) as probability,
        median(recency_days) as recency_days,
        median(order_count) as order_count,
        median(net_revenue)::double as net_revenue,
    from customers group by value_tier order by min(clv_rank)
"""
CLUSTERS = """
    with customers as (
        select
            cluster_id,
            cast(predicted_clv as decimal(18, 4)) as money,
            recency_days,
            tenure_days,
            order_count,
            mean_order_value,
        from marts.clv_clusters
        inner join marts.clv_predictions using (customer_id, cutoff, model_id)
        left join marts.customer_rfm using (customer_id, cutoff)
        where cutoff = $1 and model_id = $2
    ),
    typical as (
        select
            cluster_id,
            sum(money)::double as revenue,
            median(recency_days) as recency_days,
            median(tenure_days) as tenure_days,
            avg(order_count) as order_count,
            median(mean_order_value)::double as mean_order_value,
        from customers group by grouping sets ((cluster_id), ())
    ),
    ranking as (
        select * from marts.clv_cluster_ranking where cutoff = $1 and model_id = $2
    )
    select
        typical.*,
        ranking.cluster_name,
        ranking.customers,
        ranking.median_clv,
        ranking.clv_index,
        ranking.cluster_rank,
    from typical left join ranking on typical.cluster_id = ranking.cluster_id
    order by ranking.cluster_rank
"""
WINDOWS = """
    select
        * replace (
            case when verdict <> 'ok' then segment_kind end as segment_kind,
            case when verdict <> 'ok' then segment end as segment
        ),
    from marts.drift_report
    where is_newest_revision and role = 'champion'
    order by cutoff, model_id
"""
DECILES = """
    select
        segment::integer as decile,
        customers,
        predicted_total / customers as predicted,
        actual_total / customers as actual,
    from marts.drift_segments
    where
        segment_kind = 'prediction decile' and cutoff = $1 and model_id = $2 and revision = $3
    order by decile
"""
GAINS = """
    with customers as (
        select
            actual_clv,
            row_number() over (order by predicted_clv desc, customer_id) as predicted_place,
            row_number() over (order by actual_clv desc, customer_id) as best_place,
            count(*) over () as customers,
        from marts.clv_predictions_actual
        where cutoff = $1 and model_id = $2 and revision = $3
    ),
    places as (
        select
            actual_clv,
            customers,
            unnest(['predicted', 'best']) as ordered_by,
            unnest([predicted_place, best_place]) as place,
        from customers
    ),
    sums as (
        select
            ceil(place * $4 / customers) as step,
            sum(actual_clv) filter (ordered_by = 'predicted') as predicted_order,
            sum(actual_clv) filter (ordered_by = 'best') as best_order,
        from places group by step
    ),
    steps as (select unnest(range(1, $4 + 1)) as step),
    total as (select sum(actual_clv) as revenue from customers)
    select
        steps.step / $4 as share,
        (coalesce(sum(sums.predicted_order) over reached, 0) / total.revenue)::double
            as predicted_order,
        (coalesce(sum(sums.best_order) over reached, 0) / total.revenue)::double as best_order,
    -- with fewer customers than steps some steps hold none
    from steps left join sums on steps.step = sums.step cross join total
    window reached as (order by steps.step)
    order by steps.step
"""
WARNINGS = """
    select
        cutoff,
        model_id,
        window_start,
        window_end,
        indicator,
        count(*) as looked_at,
        count(*) filter (level <> 'ok') as moved,
        max_by(
            struct_pack(value, reference, distance, watch_at, level, feature, reason),
            (coalesce(distance, 0) / nullif(watch_at, 0), feature)
        ) as worst,
    from marts.early_warnings
    where role = 'champion' and window_end > $1
    group by all
    order by cutoff, model_id, indicator
"""
MODELS = """
    select
        *,
        ledger_row = max(ledger_row) filter (kind <> 'challenger') over () as is_champion,
    from marts.champion_manifest order by ledger_row desc
"""


@dataclass(frozen=True)
class Window:
    """The newest matured window: its row of drift_report, its tenths, and who brought the money.

    gains: by share of the customers (0-1), the share of revenue that they brought when the highest
    predicted come first (`predicted_order`) and when the best do (`best_order`); empty when the
    window brought nothing.
    """

    report: Row
    deciles: list[Row]
    gains: list[Row]


@dataclass(frozen=True)
class Search:
    """The newest grid search: its file, cells (best first), or why it cannot be shown."""

    file: str
    cutoff: str
    cells: list[Row]
    problem: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything on the page. Lists are empty and the rest None where there is nothing yet.

    Lists go from old to new, tiers and clusters from the best, models from the newest.
    everybody: what `clusters` say, of all customers together. warnings: one row per open window
    and indicator, `worst` the feature that moved most.
    """

    newest_day: date | None
    batch: Row | None
    batches: list[Row]
    tiers: list[Row]
    clusters: list[Row]
    everybody: Row | None
    window: Window | None
    windows: list[Row]
    windows_left_out: int
    warnings: list[Row]
    search: Search | None
    models: list[Row]
    models_left_out: int


def read_facts(con: duckdb.DuckDBPyConnection, home: Home) -> Facts:
    """The facts of a home, whatever it has so far."""
    found = con.execute(
        "select table_name from information_schema.tables where table_schema = 'marts'"
    ).fetchall()
    marts = {name for (name,) in found}
    newest_day = state.newest_day(con)
    is_scored = {"clv_batches", "champion_manifest"} <= marts
    is_measured = {"drift_report", "drift_segments", "clv_predictions_actual"} <= marts
    batches = _batches(con, measured=is_measured) if is_scored else []
    batch = batches[-1] if batches else None
    clusters = _rows(con, CLUSTERS, _key(batch)) if batch else []
    windows = _rows(con, WINDOWS) if is_measured else []
    models = _rows(con, MODELS) if "champion_manifest" in marts else []
    return Facts(
        newest_day=newest_day,
        batch=batch | _rows(con, HEADLINE, _key(batch))[0] if batch else None,
        batches=batches[-SHOWN_BATCHES:],
        tiers=_rows(con, TIERS, _key(batch)) if batch else [],
        clusters=[row for row in clusters if row["cluster_id"] is not None],
        everybody=next((row for row in clusters if row["cluster_id"] is None), None),
        window=_window(con, windows[-1]) if windows else None,
        windows=windows[-SHOWN_WINDOWS:],
        windows_left_out=max(0, len(windows) - SHOWN_WINDOWS),
        warnings=_rows(con, WARNINGS, [newest_day]) if "early_warnings" in marts else [],
        search=newest_search(home),
        models=models[:SHOWN_MODELS],
        models_left_out=max(0, len(models) - SHOWN_MODELS),
    )


def _batches(con: duckdb.DuckDBPyConnection, *, measured: bool) -> list[Row]:
    """The champions' batches, oldest first, with what came where the window has matured."""
    return _rows(
        con,
        f"""
        select batches.*, totals.actual_total
        from ({CHAMPION_BATCHES}) as batches
        left join ({ACTUAL_TOTALS if measured else NO_TOTALS}) as totals
            on batches.cutoff = totals.cutoff and batches.model_id = totals.model_id
        order by batches.cutoff
        """,
    )


def _window(con: duckdb.DuckDBPyConnection, report: Row) -> Window:
    key = [*_key(report), report["revision"]]
    is_known = report["actual_total"] > 0
    gains = _rows(con, GAINS, [*key, GAIN_STEPS]) if is_known else []
    return Window(report, _rows(con, DECILES, key), gains)


def newest_search(home: Home) -> Search | None:
    """The grid search with the newest cutoff in the outputs, None before the first."""
    files = sorted((home.outputs / "grid_search").glob(f"{GRID_CELLS}_*.csv"))
    if not files:
        return None
    path = files[-1]
    name, cutoff = home.relative(path), path.stem.removeprefix(f"{GRID_CELLS}_")
    try:
        return Search(name, cutoff, _cells(path))
    except (KeyError, ValueError) as error:
        return Search(name, cutoff, [], f"{name} cannot be read ({error}); `tune` writes it anew")


def _cells(path: Path) -> list[Row]:
    """Cells of a grid search, figures as numbers, None where a cell was not scored."""
    text = path.read_text(encoding="utf-8")
    return [
        {
            "history_months": int(row["history_months"]),
            "pred_months": int(row["pred_months"]),
            "objective": _number(row["objective"]),
            "skill": _number(row["skill"]),
            "r2": _number(row["r2"]),
            "is_best": row["cell_rank"] not in ("", None) and float(row["cell_rank"]) == 1,
            "reason": row["reason"] or "",
        }
        for row in csv.DictReader(io.StringIO(text, newline=""))
    ]


def _number(text: str | None) -> float | None:
    value = float(text) if text else math.nan
    return value if math.isfinite(value) else None


def _key(row: Row) -> list[Any]:
    return [row["cutoff"], row["model_id"]]


def _rows(con: duckdb.DuckDBPyConnection, sql: str, values: list[Any] | None = None) -> list[Row]:
    """The rows of a query as dicts, NaN as None."""
    found = con.execute(sql, values or [])
    names = [column[0] for column in found.description or []]
    return [
        {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in zip(names, row, strict=True)
        }
        for row in found.fetchall()
    ]
