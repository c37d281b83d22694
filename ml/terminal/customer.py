"""What `explain` found of a customer, for the terminal."""

from typing import Any

from rich.console import Group, RenderableType

from ml.home.dates import history_start
from ml.home.number_text import money
from ml.terminal.look import bar, days, facts, note, page, sparkline, table

SHOWN_MONTHS = 12


def of_customer(found: dict[str, Any]) -> Group:
    """Prediction, its reasons, what the customer was like, the past, all batches."""
    return page(
        _notes(found),
        _prediction(found),
        _drivers(found),
        _features(found),
        _history(found),
        _batches(found),
    )


def _notes(found: dict[str, Any]) -> RenderableType | None:
    """What is missing, and why."""
    batch, shown = found["batch"], found["prediction"]
    if batch is None:
        return note("No batch is scored yet: run `train`, then `run`. Here is the past alone.")
    if shown is not None and shown["cutoff"] == batch["cutoff"]:
        return None
    first = history_start(batch["cutoff"], batch["history_months"])
    text = f"Not in the batch of {batch['cutoff']}: no purchase from {first} to {batch['cutoff']}."
    if shown is not None:
        text += f" The last batch with a prediction is that of {shown['cutoff']}."
    return note(text)


def _prediction(found: dict[str, Any]) -> RenderableType | None:
    shown, currency = found["prediction"], found["currency"]
    if shown is None:
        return None
    low, high = money(shown["predicted_clv_low"]), money(shown["predicted_clv_high"])
    spent = shown["actual_clv"]
    return facts(
        f"Customer {found['customer_id']}: {shown['pred_months']} months, "
        f"{days(shown['window_start'], shown['window_end'])}",
        {
            "expected revenue": f"{money(shown['predicted_clv'])} {currency}",
            "80 % interval": f"{low} to {high} {currency}",
            "buys at all": f"{shown['probability_of_purchase']:.0%}",
            "value tier": f"{shown['value_tier']}, rank {shown['clv_rank']:,} of "
            f"{shown['customers']:,}"
            if shown["value_tier"]
            else None,
            "kind of buyer": shown["cluster_name"],
            "actually spent": None if spent is None else f"{money(spent)} {currency}",
            "cutoff, model": f"{shown['cutoff']}, {shown['model_id']}",
        },
    )


def _drivers(found: dict[str, Any]) -> RenderableType | None:
    if not found["drivers"]:
        return None
    rows = []
    for driver in found["drivers"]:
        words, _, value = driver["driver_text"].rpartition(": ")
        rows.append((words, value.partition(" ")[0], _effect(driver["driver_factor"])))
    columns = {"driver": "left", "value": "right", "compared with a typical customer": "left"}
    return table("Why", columns, rows)


def _effect(factor: float) -> str:
    """A factor in words: raises or lowers the prediction by so much."""
    if 0.995 <= factor < 1.005:
        return "leaves it as it is"
    if factor >= 2:
        return f"raises it to {factor:,.1f} times"
    return f"raises it by {factor - 1:.0%}" if factor > 1 else f"lowers it by {1 - factor:.0%}"


def _features(found: dict[str, Any]) -> RenderableType | None:
    shown = found["prediction"]
    if not found["features"]:
        return None
    first = history_start(shown["cutoff"], shown["history_months"])
    rows = [
        (one["words"], _of_unit(one, "value"), _of_unit(one, "batch_median"))
        for one in found["features"]
    ]
    columns = {"within these days": "left", "customer": "right", "median of the batch": "right"}
    return table(f"History window {days(first, shown['cutoff'])}", columns, rows)


def _of_unit(feature: dict[str, Any], name: str) -> str:
    return money(feature[name]) if feature["unit"] == "money" else f"{feature[name]:,.0f}"


def _history(found: dict[str, Any]) -> RenderableType:
    past, months = found["history"], found["history"]["months"]
    revenue = [month["net_revenue"] for month in months]
    bought = (
        days(past["first_purchase"], past["last_purchase"])
        if past["first_purchase"]
        else "never: only returns"
    )
    whole = facts(
        f"Past of customer {found['customer_id']}, data to {found['newest_day']}",
        {
            "purchases": bought,
            "orders": f"{past['order_count']:,}",
            "net revenue": f"{money(past['net_revenue'])} {found['currency']}",
            "returned": f"{money(past['returned_revenue'])} {found['currency']}",
            f"by month from {months[0]['month']}": sparkline(revenue),
        },
    )
    most = max([0.0, *revenue[-SHOWN_MONTHS:]])
    rows = [
        (
            month["month"],
            f"{month['order_count']:,}",
            money(month["net_revenue"]),
            bar(month["net_revenue"], most),
        )
        for month in months[-SHOWN_MONTHS:]
    ]
    columns = {"month": "left", "orders": "right", "net revenue": "right", " ": "left"}
    return page(whole, table("The last months", columns, rows))


def _batches(found: dict[str, Any]) -> RenderableType | None:
    """Tier, kind and prediction over time; the model where it is not the champion of its cutoff."""
    if not found["batches"]:
        return None
    rows = [
        (
            str(row["cutoff"]),
            str(row["window_end"]),
            money(row["predicted_clv"]),
            f"{money(row['predicted_clv_low'])} to {money(row['predicted_clv_high'])}",
            _outcome(row),
            row["value_tier"],
            row["cluster_name"],
            "" if row["speaks"] else row["model_id"],
        )
        for row in found["batches"]
    ]
    columns = {"cutoff": "left", "window ends": "left", "expected": "right", "80 %": "right"}
    columns |= {"actually": "right", "tier": "left", "kind of buyer": "left", "other model": "left"}
    if all(row["speaks"] for row in found["batches"]):
        del columns["other model"]
        rows = [row[:-1] for row in rows]
    return table("Over time", columns, rows)


def _outcome(row: dict[str, Any]) -> str:
    if row["actual_clv"] is None:
        return "not measured" if row["is_matured"] else "open"
    inside = row["predicted_clv_low"] <= row["actual_clv"] <= row["predicted_clv_high"]
    return f"{money(row['actual_clv'])}{'' if inside else ' (outside)'}"
