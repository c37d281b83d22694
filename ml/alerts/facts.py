"""What an alert tells of a window, read from the marts and the card of the model."""

import json
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd

from ml.home.layout import Home
from ml.ledger.manifest import card_path
from ml.warehouse.exports import Batch


@dataclass(frozen=True)
class DriftFacts:
    """What an alert tells: the row of drift_report and what the other marts say of the window.

    baseline: that of the model's card, empty where the card was purged.
    """

    batch: Batch
    report: dict[str, Any]
    segments: pd.DataFrame
    warnings: pd.DataFrame
    checks: pd.DataFrame
    baseline: dict[str, Any]


def calibration(facts: DriftFacts) -> dict[str, pd.DataFrame]:
    """Mean money a customer by tenth, by period: out of time at training, and now.

    Columns: decile (1 = highest predicted), mean_predicted, mean_actual. `at training` is missing
    where the card of the model is.
    """
    deciles = facts.segments[facts.segments["segment_kind"] == "prediction decile"]
    now = pd.DataFrame(
        {
            "decile": deciles["segment"].astype(int),
            "mean_predicted": deciles["predicted_total"] / deciles["customers"],
            "mean_actual": deciles["actual_total"] / deciles["customers"],
        }
    )
    then = pd.DataFrame(facts.baseline.get("calibration", []))
    periods = {} if then.empty else {"at training": then}
    return periods | {"now": now.sort_values("decile")}


def read_facts(
    con: duckdb.DuckDBPyConnection, home: Home, batch: Batch, report: dict[str, Any]
) -> DriftFacts:
    """Everything about one window."""

    def read(mart: str, order: str, *, by_revision: bool) -> pd.DataFrame:
        revision = [report["revision"]] if by_revision else []
        where = " and revision = ?" if by_revision else ""
        return con.execute(
            f"select * from marts.{mart} where cutoff = ? and model_id = ?{where} order by {order}",
            [batch.cutoff, batch.model_id, *revision],
        ).df()

    card = card_path(home, batch.model_id)
    known = json.loads(card.read_text(encoding="utf-8")) if card.exists() else {}
    return DriftFacts(
        batch,
        report,
        read("drift_segments", "segment_kind, segment_rank, segment", by_revision=True),
        read("early_warnings", "value desc, feature, indicator", by_revision=False),
        read("drift_data_checks", "check_name", by_revision=True),
        known.get("baseline", {}),
    )
