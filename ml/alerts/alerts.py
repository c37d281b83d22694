"""Drift alerts: a page and a picture per alerting window. Owns warehouse/outputs/drift_alert_*.

Both follow from the marts and the model's card alone: the same warehouse gives the same bytes.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from ml.alerts import deliveries
from ml.alerts.facts import DriftFacts, read_facts
from ml.alerts.page import page, title
from ml.home.config import Config
from ml.home.files import write_atomically
from ml.home.layout import Home
from ml.warehouse import exports
from ml.warehouse.exports import Batch
from ml.warehouse.state import measurements
from ml.warehouse.tables import has_table, records

PAGE, PICTURE = exports.ALERT_ENDINGS
ALERT_NAME = re.compile(r"drift_alert_\d{4}-\d\d-\d\d_pred\d+m\.(md|png)")
# what alerts, the worst last; `ok` and `cannot be told` never do
VERDICTS = ["breach", "drift", "sustained drift"]
# The longest that alerts together may keep a run; what is left is delivered by the next.
DELIVERY_SECONDS = 30.0


@dataclass(frozen=True)
class UndeliveredAlert:
    """A window that alerts, and what it has not got yet: a Jira ticket, a message."""

    cutoff: date
    model_id: str
    missing: list[str]


def alerting(con: duckdb.DuckDBPyConnection, home: Home, first: str) -> list[DriftFacts]:
    """Exported batches whose newest measurement alerts, by cutoff.

    first: the verdict from which on that is so, alerts.from of the config.
    """
    if not has_table(con, "marts.drift_report"):
        return []
    query = "select * from marts.drift_report where is_newest_revision and role = 'champion'"
    rows = [row for row in records(con, query) if row["verdict"] in _verdicts_from(first)]
    known = {(row["cutoff"], row["model_id"]): row for row in rows}
    return [
        read_facts(con, home, batch, known[batch.cutoff, batch.model_id])
        for batch in exports.batches(con)
        if (batch.cutoff, batch.model_id) in known
    ]


def write_alerts(
    home: Home, drifts: list[DriftFacts], currency: str, purged: frozenset[Path]
) -> list[Path]:
    """Write the pages and pictures that the marts ask for; returns the files that were written.

    A page is written with its picture when its text changed; a purged file is not made again.
    """
    written = []
    for facts in drifts:
        text = page(facts, currency).encode()
        path, picture = (exports.alert_path(home, facts.batch, end) for end in (PAGE, PICTURE))
        is_new = not path.exists() or path.read_bytes() != text
        if picture not in purged and (is_new or not picture.exists()):
            from ml.alerts.picture import draw_alert  # matplotlib takes a second to load

            draw_alert(facts, picture, currency)
            written.append(picture)
        if path not in purged and is_new:
            write_atomically(path, text)
            written.append(path)
    return written


def withdraw_settled(home: Home, drifts: list[DriftFacts]) -> list[Path]:
    """Remove the files of windows that no longer alert because their rows were corrected."""
    known = {
        exports.alert_path(home, facts.batch, ending)
        for facts in drifts
        for ending in exports.ALERT_ENDINGS
    }
    lying = {path for path in home.outputs.iterdir() if ALERT_NAME.fullmatch(path.name)}
    settled = sorted(lying - known)
    for path in settled:
        path.unlink()
    return settled


def deliver_alerts(
    home: Home, config: Config, drifts: list[DriftFacts], environment: Mapping[str, str]
) -> list[str]:
    """Send the windows of every model to the configured channels that do not have them."""
    messages, started = list[str](), time.monotonic()
    models = list(dict.fromkeys(facts.batch.model_id for facts in drifts))
    for number, model_id in enumerate(models):
        if time.monotonic() - started > DELIVERY_SECONDS:
            left = f"alerts of {len(models) - number} more model(s) are left to the next run"
            return [*messages, left]
        windows = [
            deliveries.AlertWindow(
                facts.batch.cutoff,
                facts.batch.pred_months,
                title(facts),
                page(facts, config.source.currency),
            )
            for facts in drifts
            if facts.batch.model_id == model_id
        ]
        alert = deliveries.Alert(model_id, tuple(windows))
        messages += deliveries.deliver(alert, config.alerts, _state_path(home), environment)
    return messages


def undelivered(
    con: duckdb.DuckDBPyConnection, home: Home, config: Config
) -> list[UndeliveredAlert]:
    """Windows that alert and were not sent to all channels of the config, by cutoff."""
    exported, owed = exports.batches(con), list[UndeliveredAlert]()
    for row in measurements(con):
        batch = Batch(row["cutoff"], row["pred_months"], row["model_id"])
        if batch not in exported or row["verdict"] not in _verdicts_from(config.alerts.first):
            continue
        window = deliveries.AlertWindow(batch.cutoff, batch.pred_months, "", "")
        alert = deliveries.Alert(batch.model_id, (window,))
        sent = deliveries.remembered(_state_path(home), alert, window)
        missing = ["Jira ticket"] if config.alerts.jira and sent.ticket is None else []
        missing += ["message by apprise"] if config.alerts.apprise and not sent.channels else []
        if missing:
            owed.append(UndeliveredAlert(batch.cutoff, batch.model_id, missing))
    return owed


def forget_sent(home: Home, windows: list[tuple[date, str, int]]) -> None:
    """Forget that these windows (cutoff, model, pred_months) were sent: they may alert again."""
    for cutoff, model_id, pred_months in windows:
        window = deliveries.AlertWindow(cutoff, pred_months, "", "")
        deliveries.forget_sent(_state_path(home), deliveries.Alert(model_id, (window,)))


def _verdicts_from(first: str) -> list[str]:
    """The verdicts that alert, when `first` and what is worse does."""
    return VERDICTS[VERDICTS.index(first) :]


def _state_path(home: Home) -> Path:
    return home.warehouse / "alerts.json"
