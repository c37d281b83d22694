"""The numbers behind each chart of the report, as rows of a table: what is drawn, in words."""

import math
from collections.abc import Sequence

from ml.home.number_text import (
    NO_VALUE,
    amount,
    percent,
    rounded,
    signed_percent,
    whole,
)
from ml.report.facts import GAIN_STEPS, Facts, Row, Window
from ml.report.words import day

Table = list[tuple[str, ...]]


def chart_tables(facts: Facts, currency: str) -> dict[str, Table]:
    """Rows by chart, the first cell the name of the row; none where nothing is drawn."""
    window = facts.window
    return {
        "history": _history(facts.batches, currency),
        "tiers": [
            (row["name"], percent(row["customer_share"]), percent(row["revenue_share"]))
            for row in facts.tiers
        ],
        "deciles": _deciles(window, currency) if window else [],
        "gains": _gains(window) if window else [],
        "reliability": _reliability(window) if window else [],
        "rmse": _changes(facts.windows, "rmse", "rmse_threshold", 1),
        "r2": _changes(facts.windows, "r2", "r2_threshold", -1),
        "level": _levels(facts.windows),
    }


def _history(batches: Sequence[Row], currency: str) -> Table:
    names = ("predicted_total", "predicted_total_low", "predicted_total_high", "actual_total")
    return [
        (day(row["cutoff"]), *(amount(row[name], currency) for name in names))
        for row in reversed(batches)
    ]


def _deciles(window: Window, currency: str) -> Table:
    return [
        (
            str(row["decile"]),
            whole(row["customers"]),
            amount(row["predicted"], currency),
            amount(row["actual"], currency),
            signed_percent(row["actual"] / row["predicted"] - 1)
            if row["predicted"] > 0
            else NO_VALUE,
        )
        for row in window.deciles
    ]


def _gains(window: Window) -> Table:
    """Every tenth of the customers."""
    return [
        tuple(percent(row[name]) for name in ("share", "predicted_order", "best_order"))
        for number, row in enumerate(window.gains, start=1)
        if number % (GAIN_STEPS // 10) == 0
    ]


def _reliability(window: Window) -> Table:
    return [
        (
            str(row["tenth"]),
            whole(row["customers"]),
            percent(row["stated"]),
            percent(row["bought"]),
            percent(2 * row["standard_error"]),
        )
        for row in window.reliability
    ]


def _changes(windows: Sequence[Row], name: str, threshold: str, sign: int) -> Table:
    """Changes against training, newest first; an R2 that was not above 0 falls in points."""
    return [
        (
            day(row["cutoff"]),
            _change(row, name),
            signed_percent(sign * row[threshold]),
            row["verdict"],
        )
        for row in reversed(windows)
    ]


def _change(row: Row, name: str) -> str:
    change, baseline = row[f"{name}_change"], row[f"baseline_{name}"]
    if name == "r2" and baseline is not None and baseline <= 0:
        return rounded(change, 3)
    return signed_percent(change)


def _levels(windows: Sequence[Row]) -> Table:
    """What came over what was predicted, with its interval."""
    return [
        (
            day(row["cutoff"]),
            *(signed_percent(_ratio(row[f"level_{end}"])) for end in ("change", "low", "high")),
            row["verdict"],
        )
        for row in reversed(windows)
    ]


def _ratio(logarithm: float | None) -> float | None:
    return None if logarithm is None else math.expm1(logarithm)
