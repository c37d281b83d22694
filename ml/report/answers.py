"""What report and explain answer: the keys of their JSON, in order."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class ReportAnswer:
    """Where the report was written."""

    report: str


@dataclass(frozen=True)
class Month:
    """Orders and money of a customer in one calendar month (YYYY-MM); months without any too."""

    month: str
    order_count: int
    net_revenue: float


@dataclass(frozen=True)
class History:
    """The whole past of a customer; no purchase days for one who only returned."""

    first_purchase: date | None
    last_purchase: date | None
    order_count: int
    net_revenue: float
    returned_revenue: float
    months: list[Month]


@dataclass(frozen=True)
class ModelBatch:
    """A batch of one model. `speaks`: it is the one that counts for its cutoff."""

    cutoff: date
    model_id: str
    role: str
    speaks: bool
    history_months: int
    pred_months: int
    window_start: date
    window_end: date
    is_matured: bool
    customers: int


@dataclass(frozen=True)
class CustomerPrediction(ModelBatch):
    """What a batch says of the customer, and what the customer really spent, None while open."""

    predicted_clv: float
    predicted_clv_low: float
    predicted_clv_high: float
    probability_of_purchase: float
    clv_rank: int | None
    clv_percentile: float | None
    value_tier: str | None
    cluster_id: int | None
    cluster_name: str | None
    actual_clv: float | None


@dataclass(frozen=True)
class Driver:
    """A reason for the prediction: it is multiplied by driver_factor; the strongest has rank 1."""

    driver_rank: int
    driver_name: str
    driver_value: float | None
    driver_factor: float
    driver_text: str


@dataclass(frozen=True)
class CustomerFeature:
    """A feature of the customer beside the median of the batch, with its words and unit."""

    feature: str
    value: float
    batch_median: float
    words: str
    unit: str


@dataclass(frozen=True)
class ExplainAnswer:
    """One customer; amounts are in `currency`.

    batch: the one that was asked for, else the newest. prediction: of that batch, else of the last
    one that holds the customer; value_tiers (of all its customers, best first), drivers and
    features are of the same batch. batches: all that scored the customer.
    """

    customer_id: str
    currency: str
    newest_day: date | None
    history: History
    batch: ModelBatch | None
    prediction: CustomerPrediction | None
    value_tiers: list[str]
    drivers: list[Driver]
    features: list[CustomerFeature]
    batches: list[CustomerPrediction]
