"""What load, train, promote, run, status and docs answer: the keys of their JSON, in order."""

from dataclasses import dataclass
from datetime import date

from ml.alerts.alerts import UndeliveredAlert
from ml.delivery.load import LoadResult
from ml.ledger.beyond_data import BeyondData
from ml.warehouse.doubts import Doubt
from ml.warehouse.left_out import LeftOut
from ml.warehouse.state import Delivery
from ml.warehouse.timings import Seconds


@dataclass(frozen=True)
class ServingModel:
    """The champion: its windows in months, and its out-of-time accuracy, None where undefined."""

    model_id: str
    training_cutoff: date
    history_months: int
    pred_months: int
    baseline_rmse: float | None
    baseline_r2: float | None


@dataclass(frozen=True)
class NewBatch:
    """One batch of this run: money expected of all customers with 80 % interval; test warnings."""

    cutoff: date
    customers: int
    predicted_total: float
    predicted_total_low: float
    predicted_total_high: float
    window_end: date
    warnings: list[str]


@dataclass(frozen=True)
class Measurement:
    """A matured window beside the baseline of its model: figures, the worst segment, a verdict.

    None where something is undefined or cannot be told; reason says why the verdict is what it is.
    """

    cutoff: date
    model_id: str
    revision: int
    pred_months: int
    rmse: float | None
    baseline_rmse: float | None
    r2: float | None
    baseline_r2: float | None
    bias: float | None
    breached: bool | None
    total_is_inside: bool | None
    expected_buyers: float | None
    actual_buyers: int | None
    brier_score: float | None
    segment_kind: str | None
    segment: str | None
    segment_z: float | None
    segment_has_drifted: bool | None
    verdict: str
    reason: str


@dataclass(frozen=True)
class EarlyWarning:
    """An indicator of an open window that is at `watch` or `alarm`, and why."""

    cutoff: date
    model_id: str
    indicator: str
    feature: str
    value: float | None
    level: str
    reason: str


@dataclass(frozen=True)
class OpenWindow:
    """A batch whose label window ends after the newest day of the data."""

    cutoff: date
    model_id: str
    window_end: date


@dataclass(frozen=True)
class Questions:
    """What is not counted, and what looks wrong in the files.

    left_out: what source.keep and source.drop leave out, by value. rejected_money: what refused
    rows are worth by reason, also by the look of a text that could not be read, None where none of
    them says.
    """

    left_out: list[LeftOut]
    rejected_money: dict[str, float | None]
    doubts: list[Doubt]


@dataclass(frozen=True)
class LoadAnswer(Questions, Delivery, LoadResult):
    """Files taken in and taken out, the counts of all current files, then what to look at.

    beyond_data: what the data ends before.
    """

    beyond_data: BeyondData | None


@dataclass(frozen=True)
class TrainAnswer:
    """The trained model, whether the ledger did not have it yet, and the champion afterwards."""

    model_id: str
    new: bool
    champion: ServingModel


@dataclass(frozen=True)
class PromoteAnswer:
    """The promoted model, whether that changed the champion, and the champion afterwards."""

    model_id: str
    changed: bool
    champion: ServingModel


@dataclass(frozen=True)
class AlertFiles:
    """Alert files written and removed, and what happened on the channels, in words."""

    alerts: list[str]
    alerts_withdrawn: list[str]
    deliveries: list[str]


@dataclass(frozen=True)
class Scored:
    """What a run scored, measured and wrote."""

    model_id: str
    batches: list[NewBatch]
    measured: list[Measurement]
    exports: list[str]
    early_warnings: list[EarlyWarning]


@dataclass(frozen=True)
class Ended:
    """How a run ended: its report, the next cutoff of the calendar, the time it took."""

    report: str
    next_cutoff: date
    seconds: Seconds


@dataclass(frozen=True)
class RunAnswer(Delivery, Ended, AlertFiles, Scored):
    """Everything a run did, the counts of all current files, what the data ends before."""

    beyond_data: BeyondData | None


@dataclass(frozen=True)
class StatusAnswer:
    """Champion, calendar, data and what is open in a home; None where there is nothing yet.

    doubts: how many rows data_doubts has; `doctor` and the report say them.
    """

    champion: ServingModel | None
    champions: int
    newest_day: date | None
    next_cutoff: date | None
    last_measured: Measurement | None
    data: Delivery
    doubts: int
    open_windows: list[OpenWindow]
    early_warnings: list[EarlyWarning]
    undelivered_alerts: list[UndeliveredAlert]
    beyond_data: BeyondData | None


@dataclass(frozen=True)
class DocsAnswer:
    """Where the dbt docs were written."""

    page: str
