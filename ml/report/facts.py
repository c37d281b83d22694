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
from ml.home.segment_text import tier_range, tier_with_range
from ml.report.movement import Movement, batch_before, movement
from ml.warehouse import state
from ml.warehouse.doubts import Doubt, doubts
from ml.warehouse.queries import Queries
from ml.warehouse.tables import records, tables

Row = dict[str, Any]
SHOWN_BATCHES = 26
SHOWN_WINDOWS = 26
SHOWN_MODELS = 12
GAIN_STEPS = 50
# as `tune` names the file of its cells
GRID_CELLS = "grid_search_cells"
MEASURED = {"marts.clv_predictions_actual", "marts.drift_report", "marts.drift_segments"}
QUERIES = Queries(__file__)


@dataclass(frozen=True)
class Window:
    """The newest matured window: its row of drift_report, its tenths, and who brought the money.

    reliability: by tenth of the customers, the stated probability of a purchase and the share that
    bought.
    gains: by share of the customers (0-1), the share of revenue that they brought when the highest
    predicted come first (`predicted_order`) and when the best do (`best_order`); empty when the
    window brought nothing.
    """

    report: Row
    deciles: list[Row]
    gains: list[Row]
    reliability: list[Row]


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
    everybody: what `clusters` say, of all customers together. behaviour: figures behind the names
    of the clusters, by cluster and behaviour; empty for batches of earlier versions. movement:
    between the value tiers since the batch before. warnings: one row per open window and indicator,
    `worst` the feature that moved most.
    """

    newest_day: date | None
    batch: Row | None
    batches: list[Row]
    tiers: list[Row]
    movement: Movement | None
    clusters: list[Row]
    everybody: Row | None
    behaviour: dict[int, dict[str, Row]]
    window: Window | None
    windows: list[Row]
    windows_left_out: int
    doubts: list[Doubt]
    warnings: list[Row]
    search: Search | None
    models: list[Row]
    models_left_out: int


def read_facts(con: duckdb.DuckDBPyConnection, home: Home) -> Facts:
    """The facts of a home, whatever it has so far."""
    there = tables(con)
    is_measured = there >= MEASURED
    batches = _batches(con, measured=is_measured) if "marts.champion_batches" in there else []
    batch = batches[-1] if batches else None
    clusters = _rows(con, "clusters", key(batch)) if batch else []
    windows = _rows(con, "measured_windows") if is_measured else []
    models = _rows(con, "models") if "marts.champion_manifest" in there else []
    tiers = _tiers(con, batch) if batch else []
    return Facts(
        newest_day=state.newest_day(con),
        batch=batch | _rows(con, "headline", key(batch))[0] if batch else None,
        batches=batches[-SHOWN_BATCHES:],
        tiers=tiers,
        movement=_movement(con, batches, tiers),
        clusters=[row for row in clusters if row["cluster_id"] is not None],
        everybody=next((row for row in clusters if row["cluster_id"] is None), None),
        behaviour=_behaviour(con, batch) if batch else {},
        window=_window(con, windows[-1]) if windows else None,
        windows=windows[-SHOWN_WINDOWS:],
        windows_left_out=max(0, len(windows) - SHOWN_WINDOWS),
        doubts=doubts(con),
        warnings=_rows(con, "open_windows") if "marts.early_warnings" in there else [],
        search=newest_search(home),
        models=models[:SHOWN_MODELS],
        models_left_out=max(0, len(models) - SHOWN_MODELS),
    )


def _batches(con: duckdb.DuckDBPyConnection, *, measured: bool) -> list[Row]:
    """The batches that count, oldest first, with what came where the window was measured."""
    came = _rows(con, "actual_totals") if measured else []
    totals = {(row["cutoff"], row["model_id"]): row["actual_total"] for row in came}
    return [
        batch | {"actual_total": totals.get((batch["cutoff"], batch["model_id"]))}
        for batch in _rows(con, "champion_batches")
    ]


def _tiers(con: duckdb.DuckDBPyConnection, batch: Row) -> list[Row]:
    """Tiers of a batch; `holds`: the ranks in a tier, `name`: the tier with them."""
    rows = _rows(con, "tiers", key(batch))
    tiers = [row["value_tier"] for row in rows]
    return [
        row
        | {
            "holds": tier_range(row["value_tier"], tiers),
            "name": tier_with_range(row["value_tier"], tiers),
        }
        for row in rows
    ]


def _movement(
    con: duckdb.DuckDBPyConnection, batches: list[Row], tiers: list[Row]
) -> Movement | None:
    """Who moved since the batch before; None where there is none of the same windows."""
    before = batch_before(batches) if batches else None
    if before is None:
        return None
    now = batches[-1]
    rows = _rows(con, "movements", key_of_both(before, now))
    return movement(before, now, [row["value_tier"] for row in tiers], rows)


def key_of_both(before: Row, now: Row) -> Row:
    """What the query `movements` asks for."""
    return key(now) | {f"{name}_before": value for name, value in key(before).items()}


def key_of_window(report: Row) -> Row:
    """A measured window, by its row of drift_report."""
    return key(report) | {"revision": report["revision"]}


def _behaviour(con: duckdb.DuckDBPyConnection, batch: Row) -> dict[int, dict[str, Row]]:
    by_cluster: dict[int, dict[str, Row]] = {}
    for row in _rows(con, "cluster_behaviour", key(batch)):
        by_cluster.setdefault(row["cluster_id"], {})[row["behaviour"]] = row
    return by_cluster


def _window(con: duckdb.DuckDBPyConnection, report: Row) -> Window:
    window = key_of_window(report)
    is_known = report["actual_total"] > 0
    gains = _rows(con, "gains", window | {"steps": GAIN_STEPS}) if is_known else []
    return Window(report, _rows(con, "deciles", window), gains, _rows(con, "reliability", window))


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


def key(row: Row) -> Row:
    """The batch of a row, as queries ask for it."""
    return {"cutoff": row["cutoff"], "model_id": row["model_id"]}


def _rows(con: duckdb.DuckDBPyConnection, query: str, values: Row | None = None) -> list[Row]:
    """The rows of a query of QUERIES as mappings, NaN as None."""
    return [
        {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in row.items()
        }
        for row in records(con, QUERIES[query], values)
    ]
