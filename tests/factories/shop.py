"""A small simulated shop and its training examples, built by the SQL macros of production."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import jinja2
import numpy as np
import pandas as pd
from money_macros import of_money

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros"
FIRST_DAY = pd.Timestamp("2020-01-01")


@dataclass(frozen=True)
class Training:
    """What fit_champion() takes, and what became known later."""

    examples: pd.DataFrame
    monthly_revenue: pd.DataFrame
    later: pd.DataFrame
    cutoff: pd.Timestamp
    history_months: int
    pred_months: int

    @property
    def now(self) -> pd.DataFrame:
        """Rows of the cutoff itself, as a scoring run sees them."""
        return self.examples[self.examples["months_back"] == 0].reset_index(drop=True)

    @property
    def arguments(self) -> dict[str, object]:
        """Keyword arguments of fit_champion()."""
        return {
            "cutoff": self.cutoff.date(),
            "history_months": self.history_months,
            "pred_months": self.pred_months,
            "seed": 7,
            "max_examples": 50_000,
            "value_tiers": (1, 5, 10, 20, 50),
        }


def macro(name: str, *arguments: str) -> str:
    """The SQL of a macro of the dbt project, rendered without dbt."""
    template = of_money(jinja2.Environment()).from_string((MACROS / f"{name}.sql").read_text())
    return getattr(template.module, name)(*arguments)


def simulated_days(customers: int = 300, months: int = 20, seed: int = 1) -> pd.DataFrame:
    """Customer-days of a buy-till-you-die shop with some returns, columns of customer_days."""
    generator = np.random.default_rng(seed)
    days = int(months * 30.4375)
    rows: list[tuple[str, int, int, float, float]] = []
    for number in range(customers):
        first = int(generator.integers(0, days))
        last = min(days - 1, first + int(generator.exponential(300)))
        orders = generator.poisson(generator.gamma(0.9, 1 / 40) * (last - first))
        spend = float(np.exp(generator.normal(3, 0.8)))
        for day in {first, *generator.integers(first, last + 1, orders).tolist()}:
            gross = round(spend * float(generator.gamma(4, 0.25)) + 0.01, 2)
            returned = round(gross * 0.5, 2) if generator.random() < 0.05 else 0.0
            rows.append((f"C{number:05d}", day, 1, gross, returned))
    return customer_days(rows)


def customer_days(rows: list[tuple[str, int, int, float, float]]) -> pd.DataFrame:
    """Customer-days from (customer, day since FIRST_DAY, orders, gross, returned)."""
    columns = ["customer_id", "day", "order_count", "gross_revenue", "returned_revenue"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["activity_date"] = FIRST_DAY + pd.to_timedelta(frame.pop("day"), unit="D")
    frame["line_count"] = frame["product_count"] = 2 * frame["order_count"]
    frame["max_order_value"] = frame["gross_revenue"]
    frame["return_count"] = (frame["returned_revenue"] > 0).astype(int)
    frame["net_revenue"] = frame["gross_revenue"] - frame["returned_revenue"]
    return frame


def training(
    days: pd.DataFrame, *, cutoff: str, history_months: int = 9, pred_months: int = 3
) -> Training:
    """Examples of one training, its labels cut at the cutoff."""
    con = duckdb.connect()
    con.register("frame", days)
    money = ("gross_revenue", "max_order_value", "returned_revenue", "net_revenue")
    casts = ", ".join(f"{name}::decimal(18, 4) as {name}" for name in money)
    con.execute(
        f"create table customer_days as select * replace ({casts}, "
        "activity_date::date as activity_date) from frame"
    )
    first = "(select min(activity_date) from customer_days)"
    con.execute(
        f"create table requests as select date '{cutoff}' as training_cutoff, {history_months} as "
        f"history_months, {pred_months} as pred_months, {first} as first_day"
    )
    con.execute(f"create table windows as {macro('training_windows', 'requests')}")
    con.execute(
        f"create table features as {macro('customer_features', 'windows', 'customer_days')}"
    )
    con.execute(f"create table actuals as {macro('customer_actuals', 'windows', 'customer_days')}")
    everything = con.sql(
        "select features.*, months_back, observed_months, actual_clv::double as actual_clv, "
        "actual_order_count, window_end from features join windows using (cutoff) "
        "join actuals using (cutoff, customer_id) order by cutoff, customer_id"
    ).df()
    known = pd.to_datetime(everything.pop("window_end")) <= pd.Timestamp(cutoff)
    labels = ["actual_clv", "actual_order_count"]
    later = everything.loc[everything["months_back"] == 0, ["customer_id", *labels]]
    examples = everything.assign(**{name: everything[name].where(known) for name in labels})
    return Training(
        examples,
        monthly_revenue(days, cutoff),
        later.reset_index(drop=True),
        pd.Timestamp(cutoff),
        history_months,
        pred_months,
    )


def monthly_revenue(days: pd.DataFrame, cutoff: str) -> pd.DataFrame:
    """Calendar months of the log up to the cutoff."""
    known = days[days["activity_date"] <= pd.Timestamp(cutoff)]
    month = known["activity_date"].dt.to_period("M").dt.to_timestamp()
    return (
        known.groupby(month.rename("month"))
        .agg(day_count=("activity_date", "nunique"), net_revenue=("net_revenue", "sum"))
        .reset_index()
    )
