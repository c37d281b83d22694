"""What may be set: the keys of config/model_config.yaml, their types, limits and defaults."""

import difflib
import re
from datetime import date
from itertools import pairwise
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, ValidationError, field_validator, model_validator

from ml.home.checked_yaml import Section, WrongValueError, described
from ml.home.config_lines import compose, plain_values, read_config
from ml.home.dates import parse_day
from ml.home.errors import CallError
from ml.home.layout import Home
from ml.home.source_layouts import CellValue, completed, read_layout

MONEY = "name quantity and unit_price, or amount"
# of source.money_decimals: four are enough for cents and prices of parts of a piece
USUAL_DECIMALS, MOST_DECIMALS = 4, 10
# how a moment can be written as a number, besides the formats of strptime
MOMENT_NUMBERS = (
    "epoch_seconds",
    "epoch_milliseconds",
    "epoch_microseconds",
    "spreadsheet_days",
)


class Columns(Section):
    """Names of the delivered columns, by our name for them."""

    customer_id: str = Field(min_length=1)
    ordered_at: str = Field(min_length=1)
    time_of_day: str | None = None
    order_id: str | None = None
    parent_order_id: str | None = None
    product_id: str | None = None
    quantity: str | None = None
    unit_price: str | None = None
    amount: str | None = None
    deductions: list[str] = Field(default=[])
    currency: str | None = None

    @model_validator(mode="after")
    def _money_is_named_once(self) -> "Columns":
        priced = self.quantity is not None and self.unit_price is not None
        if self.amount is None and not priced:
            raise WrongValueError("the money of a line is missing", MONEY)
        if self.amount is not None and self.unit_price is not None:
            raise WrongValueError("unit_price and amount exclude each other", f"{MONEY}, not both")
        if self.deductions and self.amount is None:
            raise WrongValueError("deductions are taken from an amount", "name amount as well")
        if self.parent_order_id is not None and self.order_id is None:
            raise WrongValueError(
                "parent_order_id names an order, but orders have no id", "name order_id as well"
            )
        return self

    def delivered(self) -> dict[str, str]:
        """Our name to the delivered name, of the columns that are mapped."""
        named = self.model_dump(exclude={"deductions"})
        return {ours: yours for ours, yours in named.items() if yours is not None} | {
            "deductions" if place == 1 else f"deductions {place}": yours
            for place, yours in enumerate(self.deductions, start=1)
        }


class Source(Section):
    """Where transactions come from and how they are read."""

    files: str | list[str]
    layout: str | None = None
    columns: Columns
    keep: dict[str, list[CellValue]] = Field(default={})
    drop: dict[str, list[CellValue]] = Field(default={})
    drop_leading_zeros: bool = False
    take_negative_prices: bool = False
    amount_is_order_total: bool = False
    encoding: str = "utf-8"
    timestamp_format: str | None = None
    decimal_separator: Literal[".", ","] = "."
    timezone: str = "UTC"
    times_written_in: str | None = None
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    money_decimals: int = Field(default=USUAL_DECIMALS, ge=0, le=MOST_DECIMALS)
    max_rejected_share: float = Field(default=0.5, ge=0, le=1)

    @field_validator("files")
    @classmethod
    def _globs_are_named(cls, value: str | list[str]) -> str | list[str]:
        patterns = [value] if isinstance(value, str) else value
        if not patterns or not all(pattern.strip() for pattern in patterns):
            raise WrongValueError("no file is named", "name at least one file or glob")
        return value

    @model_validator(mode="after")
    def _totals_are_of_orders(self) -> "Source":
        named = self.columns.amount is not None and self.columns.order_id is not None
        if self.amount_is_order_total and not named:
            raise WrongValueError(
                "amount_is_order_total counts an amount once an order", "name amount and order_id"
            )
        return self

    @field_validator("keep", "drop")
    @classmethod
    def _values_are_named(cls, value: dict[str, list[CellValue]]) -> dict[str, list[CellValue]]:
        for column, values in value.items():
            if not values:
                raise WrongValueError(
                    f"{column}: no value is named", f"write {column}: [VALUE] or take it out"
                )
        return value

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise WrongValueError(
                f"unknown encoding {value!r}", "use utf-8, cp1252, latin-1, utf-16, …"
            ) from None
        return value

    @field_validator("timestamp_format")
    @classmethod
    def _format_reads_days(cls, value: str | None) -> str | None:
        if value is None or value in MOMENT_NUMBERS:
            return value
        if not re.fullmatch(r"(%[YymdbBHIMSfpj]|[ /.,:T-])+", value):
            raise WrongValueError(
                "is not a format of times",
                "use strptime codes such as %d/%m/%Y %H:%M, without offsets, or one of "
                + ", ".join(MOMENT_NUMBERS),
            )
        return value

    @field_validator("timezone", "times_written_in")
    @classmethod
    def _timezone_is_known(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if value not in available_timezones():
            near = difflib.get_close_matches(value, available_timezones(), 1)
            hint = f"did you mean {near[0]}?" if near else "use a name such as Europe/London"
            raise WrongValueError(f"unknown time zone {value!r}", hint)
        ZoneInfo(value)
        return value

    @property
    def names_read(self) -> set[str]:
        """The delivered columns that are mapped, or that keep and drop name."""
        return {*self.columns.delivered().values(), *self.keep, *self.drop}

    @property
    def is_filtered(self) -> bool:
        return bool(self.keep or self.drop)

    @property
    def patterns(self) -> list[str]:
        return [self.files] if isinstance(self.files, str) else self.files


MOST_HISTORY_MONTHS, MOST_PRED_MONTHS = 120, 36


class Training(Section):
    """Windows and limits of the next training."""

    history_months: int = Field(default=9, ge=1, le=MOST_HISTORY_MONTHS)
    pred_months: int = Field(default=6, ge=1, le=MOST_PRED_MONTHS)
    max_examples: int = Field(default=200_000, ge=1000)
    seed: int = Field(default=20240229, ge=0, lt=2**31)


class Run(Section):
    """State of the calendar."""

    last_score_cutoff: date | None = None

    @field_validator("last_score_cutoff", mode="before")
    @classmethod
    def _cutoff_is_a_day(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                return parse_day(value, "last_score_cutoff")
            except CallError as error:
                raise WrongValueError(error.what, error.remedy) from error
        return value


class Monitoring(Section):
    """When a matured window alerts, as shares of the baseline."""

    drift_threshold_rmse: float = Field(default=0.20, gt=0)
    drift_threshold_r2: float = Field(default=0.15, gt=0)


class Clusters(Section):
    """Range of the number of behaviour clusters."""

    min: int = Field(default=4, ge=1)
    max: int = Field(default=8, le=50)

    @model_validator(mode="after")
    def _range_is_ordered(self) -> "Clusters":
        if self.min > self.max:
            raise WrongValueError(
                f"min {self.min} is above max {self.max}", "write min <= max, such as 4 and 8"
            )
        return self


class Segments(Section):
    """The two lenses: value tiers by rank, behaviour clusters."""

    value_tiers: list[int | float] = Field(default=[1, 5, 10, 20, 50], min_length=1)
    clusters: Clusters = Clusters()

    @field_validator("value_tiers")
    @classmethod
    def _tiers_are_increasing_shares(cls, value: list[int | float]) -> list[int | float]:
        ordered = all(low < high for low, high in pairwise(value))
        if not ordered or not 0 < value[0] <= value[-1] <= 100:
            raise WrongValueError(
                "are not growing per cents between 0 and 100", "write a list such as [1, 5, 10]"
            )
        return value


class Retention(Section):
    """How long files are kept; `purge` removes what is older, nothing else does."""

    model_months: int = Field(default=9, ge=1, le=1200)
    ledger_years: int = Field(default=7, ge=7, le=100)
    outputs_months: int = Field(default=24, ge=1, le=1200)


class Resources(Section):
    """What the work may use of the machine."""

    memory_limit: str = Field(default="4GB", pattern=r"^[1-9][0-9]*(\.[0-9]+)? ?[KMGT]i?B$")


class Exports(Section):
    """Files of a batch besides the CSVs."""

    parquet: bool = True


class Jira(Section):
    """Where drift alerts become tickets; the token comes from the environment only."""

    url: str
    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]+$")
    issue_type: str = Field(default="Task", min_length=1)
    timeout_seconds: float = Field(default=5, gt=0, le=8)

    @field_validator("url")
    @classmethod
    def _url_is_plain(cls, value: str) -> str:
        try:
            address = urlsplit(value)
            plain = address.scheme in {"http", "https"} and bool(address.hostname)
            plain = plain and address.port != 0 and not re.search(r"[@?#\s]", value)
        except ValueError:
            plain = False
        if not plain:  # the value itself is not repeated: it may hold a password
            raise WrongValueError(
                "is not an address without user, password or query",
                "write http(s)://host[:port][/path]; the token belongs in the environment "
                "variable CLV_JIRA_TOKEN",
            )
        return value.rstrip("/")


class Alerts(Section):
    """From which verdict on a window alerts, and where that goes besides its file."""

    # `from` is a word of Python
    first: Literal["breach", "drift"] = Field(default="breach", alias="from")
    jira: Jira | None = None
    apprise: bool = False


class Config(Section):
    """The whole of config/model_config.yaml."""

    source: Source
    training: Training = Training()
    run: Run = Run()
    monitoring: Monitoring = Monitoring()
    segments: Segments = Segments()
    exports: Exports = Exports()
    resources: Resources = Resources()
    retention: Retention = Retention()
    alerts: Alerts = Alerts()


def load_config(home: Home) -> Config:
    """The checked config of `home`.

    Raises CallError with file, line, key and, for a misspelt key, the nearest right one.
    """
    name = home.relative(home.config)
    root = compose(read_config(home), name)
    values = plain_values(root, name)
    if isinstance(source := values.get("source"), dict) and isinstance(source.get("layout"), str):
        values["source"] = completed(read_layout(home, source["layout"]), source)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise described(error, root, name, Config) from None
