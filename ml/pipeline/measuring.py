"""Matured windows, measured with the record of the model that made the prediction."""

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from ml.home.config import load_config
from ml.home.errors import kept_for_the_caller
from ml.home.layout import Home
from ml.ledger.manifest import card_path
from ml.model.measures.drift import READ, measure_window, record_of

KEY = ["cutoff", "model_id", "revision"]
FIGURES = (
    ["customers", "actual_total", "predicted_total", "interval_coverage"]
    + ["rmse", "mae", "r2", "d2", "normalised_gini", "spearman", "top_decile_share", "bias"]
    + [f"{name}_{end}" for name in ("error", "lead") for end in ("change", "low", "high")]
    + [
        f"lead_over_{name}{end}"
        for name in ("naive", "pareto_nbd")
        for end in ("", "_low", "_high")
    ]
)


@kept_for_the_caller
def not_measured(session: Any, windows: Any, measured: str) -> Any:
    """Rows of the windows (a relation) whose revision is not in the table `measured`."""
    return windows.join(session.table(measured), "cutoff, model_id, revision", how="anti")


@kept_for_the_caller
def measure_windows(windows: Any, model_config: pd.DataFrame) -> pd.DataFrame:
    """One row of figures per window, and the thresholds of the day it was measured.

    windows: a DuckDB relation of clv_predictions_actual rows. Columns: KEY, FIGURES,
    threshold_rmse, threshold_r2.
    """
    home, rows = Home.resolve(), []
    seed = load_config(home).training.seed
    for key, window in _windows(windows):
        path = card_path(home, key["model_id"])
        # the card of an old model may have been purged
        card = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        rows.append(key | measure_window(window, record_of(card), seed=seed))
    types = {"cutoff": "datetime64[us]", "model_id": "string", "revision": "int32"}
    types |= dict.fromkeys(FIGURES, "float64")
    return (
        pd.DataFrame(rows, columns=[*KEY, *FIGURES])
        .astype(types)
        .assign(
            threshold_rmse=float(model_config["drift_threshold_rmse"].iloc[0]),
            threshold_r2=float(model_config["drift_threshold_r2"].iloc[0]),
        )
    )


@kept_for_the_caller
def season_indices(models: pd.DataFrame) -> pd.DataFrame:
    """Share of a usual month's revenue by model and calendar month: 12 rows per model with a card.

    models: model_id. Columns: model_id, month_of_year (1-12), season_index (mean 1).
    """
    home, rows = Home.resolve(), []
    for model_id in models["model_id"]:
        path = card_path(home, model_id)
        if path.exists():  # the card of an old model may have been purged
            card = json.loads(path.read_text(encoding="utf-8"))
            index = card["decisions"]["season"]["index"]
            rows += [(model_id, month, value) for month, value in enumerate(index, start=1)]
    columns = {"model_id": "string", "month_of_year": "int32", "season_index": "float64"}
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _windows(windows: Any) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Key and customers of each window, one window in memory at a time."""
    keys = windows.aggregate("cutoff, model_id, revision").order("cutoff, model_id").df()
    for key in keys.to_dict("records"):
        chosen = (
            f"cutoff = date '{pd.Timestamp(key['cutoff']).date()}'"
            f" and model_id = '{key['model_id']}'"
        )
        customers = windows.filter(chosen).project(", ".join(["customer_id", *READ]))
        yield key, customers.order("customer_id").df()
