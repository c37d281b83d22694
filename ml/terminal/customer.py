"""What `explain` found of a customer, for the terminal."""

from rich.console import Group, RenderableType

from ml.home.dates import history_start
from ml.home.number_text import money
from ml.home.segment_text import tier_with_range
from ml.model.forecast.features import FEATURES
from ml.report.answers import CustomerPrediction, ExplainAnswer
from ml.terminal.look import bar, days, facts, note, page, sparkline, table

SHOWN_MONTHS = 12
# names of drivers that are amounts
MONEY = {"expected_day_revenue"} | {one.name for one in FEATURES if one.unit == "money"}


def of_customer(answer: ExplainAnswer) -> Group:
    """Prediction, its reasons, what the customer was like, the past, all batches."""
    return page(
        _notes(answer),
        _prediction(answer),
        _drivers(answer),
        _features(answer),
        _history(answer),
        _batches(answer),
    )


def _notes(answer: ExplainAnswer) -> RenderableType | None:
    """What is missing, and why."""
    batch, prediction = answer.batch, answer.prediction
    if batch is None:
        return note("No batch is scored yet: run `train`, then `run`. Here is the past alone.")
    if prediction is not None and prediction.cutoff == batch.cutoff:
        return None
    first = history_start(batch.cutoff, batch.history_months)
    text = f"Not in the batch of {batch.cutoff}: no purchase from {first} to {batch.cutoff}."
    if prediction is not None:
        text += f" The last batch with a prediction is that of {prediction.cutoff}."
    return note(text)


def _prediction(answer: ExplainAnswer) -> RenderableType | None:
    prediction, currency = answer.prediction, answer.currency
    if prediction is None:
        return None
    spent = prediction.actual_clv
    return facts(
        f"Customer {answer.customer_id}: {prediction.pred_months} months, "
        f"{days(prediction.window_start, prediction.window_end)}",
        {
            "expected revenue": money(prediction.predicted_clv, currency),
            "80 % interval": _interval(prediction, currency),
            "buys at all": f"{prediction.probability_of_purchase:.0%}",
            "value tier": f"{tier_with_range(prediction.value_tier, answer.value_tiers)}, "
            f"rank {prediction.clv_rank:,} of {prediction.customers:,}"
            if prediction.value_tier
            else None,
            "kind of buyer": prediction.cluster_name,
            "actually spent": None if spent is None else money(spent, currency),
            "cutoff, model": f"{prediction.cutoff}, {prediction.model_id}",
        },
    )


def _interval(row: CustomerPrediction, currency: str) -> str:
    low, high = row.predicted_clv_low, row.predicted_clv_high
    return f"{money(low, currency)} to {money(high, currency)}"


def _drivers(answer: ExplainAnswer) -> RenderableType | None:
    if not answer.drivers:
        return None
    rows = []
    for driver in answer.drivers:
        words, _, value = driver.driver_text.rpartition(": ")
        shown = value.partition(" ")[0]
        if driver.driver_name in MONEY and driver.driver_value is not None:
            shown = money(driver.driver_value, answer.currency)
        rows.append((words, shown, _effect(driver.driver_factor)))
    columns = {"driver": "left", "value": "right", "compared with a typical customer": "left"}
    return table("Why", columns, rows)


def _effect(factor: float) -> str:
    """A factor in words: raises or lowers the prediction by so much."""
    if 0.995 <= factor < 1.005:
        return "leaves it as it is"
    if factor >= 2:
        return f"raises it to {factor:,.1f} times"
    return f"raises it by {factor - 1:.0%}" if factor > 1 else f"lowers it by {1 - factor:.0%}"


def _features(answer: ExplainAnswer) -> RenderableType | None:
    prediction = answer.prediction
    if prediction is None or not answer.features:
        return None
    first = history_start(prediction.cutoff, prediction.history_months)
    rows = [
        (
            one.words,
            *(
                _of_unit(value, one.unit, answer.currency)
                for value in (one.value, one.batch_median)
            ),
        )
        for one in answer.features
    ]
    columns = {"within these days": "left", "customer": "right", "median of the batch": "right"}
    return table(f"History window {days(first, prediction.cutoff)}", columns, rows)


def _of_unit(value: float, unit: str, currency: str) -> str:
    return money(value, currency) if unit == "money" else f"{value:,.0f}"


def _history(answer: ExplainAnswer) -> RenderableType:
    past, months, currency = answer.history, answer.history.months, answer.currency
    revenue = [month.net_revenue for month in months]
    bought = (
        days(past.first_purchase, past.last_purchase)
        if past.first_purchase and past.last_purchase
        else "never: only returns"
    )
    whole = facts(
        f"Past of customer {answer.customer_id}, data to {answer.newest_day}",
        {
            "purchases": bought,
            "orders": f"{past.order_count:,}",
            "net revenue": money(past.net_revenue, currency),
            "returned": money(past.returned_revenue, currency),
            f"by month from {months[0].month}": sparkline(revenue),
        },
    )
    most = max([0.0, *revenue[-SHOWN_MONTHS:]])
    rows = [
        (
            month.month,
            f"{month.order_count:,}",
            money(month.net_revenue, currency),
            bar(month.net_revenue, most),
        )
        for month in months[-SHOWN_MONTHS:]
    ]
    columns = {"month": "left", "orders": "right", "net revenue": "right", " ": "left"}
    return page(whole, table("The last months", columns, rows))


def _batches(answer: ExplainAnswer) -> RenderableType | None:
    """Tier, kind and prediction over time; the model where it is not the champion of its cutoff."""
    if not answer.batches:
        return None
    currency = answer.currency
    rows = [
        (
            str(row.cutoff),
            str(row.window_end),
            money(row.predicted_clv, currency),
            _interval(row, currency),
            _outcome(row, currency),
            row.value_tier,
            row.cluster_name,
            "" if row.speaks else row.model_id,
        )
        for row in answer.batches
    ]
    columns = {"cutoff": "left", "window ends": "left", "expected": "right", "80 %": "right"}
    columns |= {
        "actually": "right",
        "tier": "left",
        "kind of buyer": "left",
        "other model": "left",
    }
    if all(row.speaks for row in answer.batches):
        del columns["other model"]
        rows = [row[:-1] for row in rows]
    return table("Over time", columns, rows)


def _outcome(row: CustomerPrediction, currency: str) -> str:
    if row.actual_clv is None:
        return "not measured" if row.is_matured else "open"
    inside = row.predicted_clv_low <= row.actual_clv <= row.predicted_clv_high
    return f"{money(row.actual_clv, currency)}{'' if inside else ' (outside)'}"
