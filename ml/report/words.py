"""The words of the report: its dates, and the sentence that heads each section."""

from datetime import date
from typing import Any

from ml.home.number_text import NO_VALUE, percent, rounded, whole
from ml.model.measures.by_customer_kind import NEW_CUSTOMER_DAYS
from ml.report.facts import Facts, Row, Search, Window
from ml.report.movement import Movement
from ml.warehouse.doubts import Doubt

INDICATORS = {
    "revenue_so_far": (
        "Revenue so far",
        "what customers have spent since the batch, against what was expected by that day",
    ),
    "score_shift": (
        "Predictions",
        "how far the predictions are from those of the training customers; 0 = no difference",
    ),
    "feature_shift": (
        "Behaviour",
        "the same for what customers did; the feature that moved most is named",
    ),
    "new_customer_share": (
        "New customers",
        f"share of customers whose first order in the whole log is {NEW_CUSTOMER_DAYS} days old "
        "or less",
    ),
    "top_five_revenue_share": ("Top five", "share of revenue that the five best customers bring"),
    "return_rate": ("Returns", "returned share of gross revenue"),
}
VERDICTS = {
    "ok": "the total came to lie inside its interval, and accuracy is as it was at training",
    "breach": "a threshold was passed, or the total lies outside its interval, but by no more than "
    "chance moves such a window",
    "drift": "a change that chance hardly explains (outside its interval): look for the cause",
    "sustained drift": "drift in two windows running: time to tune and train anew",
    "cannot be told": "too little is known of the window to judge it: neither fine nor wrong",
}
MOVES = {
    "moved up": "to a better tier than in the batch before",
    "stayed": "in the same tier",
    "moved down": "to a worse tier",
    "came in": "not in the batch before: their first order, or one after a pause",
    "left": "in the batch before, and without an order in the months that count since",
}
LEVELS = ("cannot be told", "ok", "watch", "alarm")
LOUD = ("watch", "alarm")


def day(value: date | None) -> str:
    """`23 Jun 1998`, on one line."""
    return NO_VALUE if value is None else f"{value.day}\u00a0{value:%b}\u00a0{value:%Y}"


def month(value: date) -> str:
    """`Jun 98`, for axes."""
    return f"{value:%b} {value:%y}"


def months(value: int) -> str:
    """`1 month`, `12 months`, on one line."""
    return f"{value}\u00a0month{'' if value == 1 else 's'}"


def interval_record(batches: list[Row]) -> str:
    """How often the interval of the total held so far, among the batches shown."""
    ended = [row for row in batches if row["actual_total"] is not None]
    if not ended:
        return "Eight of ten such totals should come to lie inside; none has been checked yet."
    held = sum(
        row["predicted_total_low"] <= row["actual_total"] <= row["predicted_total_high"]
        for row in ended
    )
    which = f"last {len(ended)}" if len(ended) > 1 else "one"
    how_many = "none" if held == 0 else "all" if held == len(ended) > 1 else str(held)
    return (
        "Eight of ten such totals should come to lie inside. "
        f"Of the {which} that ended, {how_many} did."
    )


def tiers_finding(tiers: list[Row]) -> str:
    """The smallest group of best customers that brings half of the money."""
    customers = revenue = 0.0
    for row in tiers:
        customers, revenue = customers + row["customer_share"], revenue + row["revenue_share"]
        if revenue >= 0.5:
            break
    if not 0 < revenue < 0.9995:
        return "How expected revenue is spread over customers"
    return (
        f"The best {percent(customers)} of customers are expected to bring {percent(revenue)} "
        "of the revenue"
    )


def movement_finding(moved: Movement | None) -> str:
    """How many customers went to a better tier and to a worse one."""
    if moved is None or not moved.moves:
        return "Who moved from tier to tier"
    up, down = moved.customers("moved up"), moved.customers("moved down")
    return (
        f"{whole(up)} customer{'' if up == 1 else 's'} moved to a better tier since "
        f"{day(moved.before['cutoff'])}, {whole(down)} to a worse one"
    )


def clusters_finding(clusters: list[Row]) -> str:
    best = clusters[0] if clusters else None
    if best is None or best["clv_index"] is None:
        return "What kinds of buyers there are"
    return f"“{best['cluster_name']}” is worth {rounded(best['clv_index'])}× the typical customer"


def window_finding(window: Window | None) -> str:
    if window is None:
        return "No prediction has met its actuals yet"
    report = window.report
    which = f"The last finished window, to {day(report['window_end'])},"
    if not report["predicted_total"] > 0:
        return f"{which} has the verdict {report['verdict']}"
    change = report["actual_total"] / report["predicted_total"] - 1
    if round(abs(change), 2) == 0:
        return f"{which} brought what was predicted"
    word = "more" if change > 0 else "less"
    return f"{which} brought {percent(abs(change))} {word} than predicted"


def buyers_finding(report: Row) -> str:
    """By how much the number of buyers was off; empty where it was not measured."""
    expected, came = report["expected_buyers"], report["actual_buyers"]
    if expected is None or came is None:
        return ""
    told = f"{whole(expected)} customers were expected to buy, and {whole(came)} did"
    if not expected > 0 or round(abs(came / expected - 1), 2) == 0:
        return f"{told}: the number of buyers was right."
    change = came / expected - 1
    return f"{told}: {percent(abs(change))} {'more' if change > 0 else 'fewer'} than expected."


def reliability_finding(tenths: list[Row]) -> str:
    """How far the stated probabilities lie from the shares that bought."""
    customers = sum(row["customers"] for row in tenths)
    gap = sum(row["customers"] * abs(row["bought"] - row["stated"]) for row in tenths) / customers
    worst = max(tenths, key=lambda row: abs(row["bought"] - row["stated"]))
    off = sum(abs(row["bought"] - row["stated"]) > 2 * row["standard_error"] for row in tenths)
    return (
        f"On average a tenth is off by {rounded(100 * gap)} points. The furthest off was given "
        f"{percent(worst['stated'])}, and {percent(worst['bought'])} of it bought; {off} of "
        f"{len(tenths)} lie further off than chance explains (two standard errors)."
    )


def drift_finding(windows: list[Row]) -> str:
    if not windows:
        return "Nothing to hold against the past yet"
    found = [row["verdict"] for row in windows]
    total = f"{len(found)} finished window{'s' if len(found) > 1 else ''}"
    if set(found) == {"ok"}:
        return f"{total}, and accuracy is as it was at training"
    if set(found) == {"cannot be told"}:
        return f"{total}, and too little is known to judge"
    counted = [f"{found.count(verdict)}\u00a0{verdict}" for verdict in VERDICTS if verdict in found]
    return f"{total}: {', '.join(counted)}"


def warnings_finding(open_windows: list[Row]) -> str:
    if not open_windows:
        return "No window is open"
    loud = sum(row["level"] in LOUD for row in open_windows)
    total = f"{len(open_windows)} open window{'s' if len(open_windows) > 1 else ''}"
    if all(row["level"] == LEVELS[0] for row in open_windows):
        return f"{total}, of which nothing can be told yet"
    if not loud:
        return f"{total}, and nothing that can be told moves ahead of time"
    return f"{loud} of {total} deserve{'s' if loud == 1 else ''} a look"


def doubts_finding(doubts: list[Doubt]) -> str:
    """How much may be wrong with the data."""
    one = len(doubts) == 1
    return f"{len(doubts)} thing{' looks' if one else 's look'} wrong in the delivered files"


def search_finding(search: Search | None) -> str:
    best = next((cell for cell in search.cells if cell["is_best"]), None) if search else None
    if best is None:
        return "Windows have not been tuned yet"
    history, pred = best["history_months"], best["pred_months"]
    if best["objective"] is None or best["objective"] <= 0:
        return "No windows that were tried beat the simple forecasts"
    return f"Looking back {months(history)} to predict {months(pred)} scored best"


def ledger_finding(facts: Facts) -> str:
    champion = next((row for row in facts.models if row["is_champion"]), None)
    if champion is None:
        return "No model has been trained yet"
    return f"The champion learned from data up to {day(champion['training_cutoff'])}"


def open_windows(warnings: list[Row]) -> list[Row]:
    """Early warnings by open window: `cells` by indicator, `level`: the worst of them.

    What cannot be told is worse than nothing only where nothing else is known.
    """
    found: dict[tuple[Any, str], Row] = {}
    for row in warnings:
        new = row | {"cells": {}, "level": LEVELS[0]}
        window = found.setdefault((row["cutoff"], row["model_id"]), new)
        window["cells"][row["indicator"]] = row
        window["level"] = max(window["level"], row["worst"]["level"], key=LEVELS.index)
    return list(found.values())
