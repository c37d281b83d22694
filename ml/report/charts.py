"""The charts of the report: rows of facts in, places of their marks out; the page draws them.

A canvas is 360 units wide, or narrower where it shares a row, so that letters keep their size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ml.report.scales import (
    LogScale,
    Point,
    Scale,
    apart,
    band,
    line,
    log_ticks,
    month_ticks,
    stacked,
    ticks,
)

Row = dict[str, Any]
WIDTH = 360
LEFT, RIGHT = 46.0, 350.0
# three charts of changes stand side by side
NARROW_RIGHT = 258.0
# a change beyond doubling or a total loss is drawn at the edge
MOST_CHANGE = 1.0
LEAST_CHANGE = 0.3


@dataclass(frozen=True)
class Axis:
    """Ticks of one direction: (place, value)."""

    ticks: list[tuple[float, Any]]


@dataclass(frozen=True)
class Mark:
    """One row of a chart and where it lies.

    low, high: ends of an interval; other: where the actual of a prediction lies. None without.
    """

    row: Row
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    other: float | None = None


@dataclass(frozen=True)
class Chart:
    """Marks and axes on a canvas of WIDTH by `height`; `paths` are lines by name."""

    height: int
    marks: list[Mark]
    x_axis: Axis
    y_axis: Axis
    paths: dict[str, str]


def history(batches: Sequence[Row]) -> Chart | None:
    """Expected total of every batch with its interval, and what came; None without a batch."""
    if not batches:
        return None
    x = _days(batches)
    totals = [row[name] for row in batches for name in ("predicted_total_high", "actual_total")]
    top = max([total for total in totals if total is not None], default=0.0)
    bottom = min([0.0, *(row["actual_total"] or 0.0 for row in batches)])
    y = Scale(bottom, top or 1.0, 172, 12)
    marks = [
        Mark(
            row,
            x(row["cutoff"].toordinal()),
            y(row["predicted_total"]),
            y(row["predicted_total_low"]),
            y(row["predicted_total_high"]),
            None if row["actual_total"] is None else y(row["actual_total"]),
        )
        for row in batches
    ]
    return Chart(206, marks, _day_axis(batches, x), _axis(y, 4), {})


@dataclass(frozen=True)
class TierBand:
    """A value tier from its share of the customers (left) to its share of revenue (right)."""

    row: Row
    path: str
    opacity: float
    left_label: float
    right_label: float


def tier_bands(tiers: Sequence[Row]) -> list[TierBand]:
    """Bands of the tiers, best first; empty when no revenue is expected."""
    if not tiers or not sum(row["revenue"] for row in tiers) > 0:
        return []
    left = stacked([row["customer_share"] for row in tiers], 30, 290)
    right = stacked([row["revenue_share"] for row in tiers], 30, 290)
    labels = [
        apart([(top + bottom) / 2 for top, bottom in side], 15, 286) for side in (left, right)
    ]
    step = 0.8 / max(1, len(tiers) - 1)
    return [
        TierBand(row, band(*spans, (80, 216)), round(0.95 - step * number, 3), *places)
        for number, (row, spans, places) in enumerate(
            zip(tiers, zip(left, right, strict=True), zip(*labels, strict=True), strict=True)
        )
    ]


def calibration(deciles: Sequence[Row]) -> Chart | None:
    """Predicted and actual money a customer by tenth, a row each; None when all brought nothing.

    Places are logarithmic: equal distances are equal ratios. What is below a thousandth of the
    highest value lies at the edge.
    """
    values = [row[name] for row in deciles for name in ("predicted", "actual")]
    high = max(values, default=0.0)
    if not high > 0:
        return None
    low = max(min([value for value in values if value > 0]) / 1.2, high / 1000)
    x = LogScale(low, high * 1.15, LEFT, RIGHT)
    marks = [
        Mark(row, x(row["predicted"]), 22.0 + 22 * number, other=x(row["actual"]))
        for number, row in enumerate(deciles)
    ]
    x_axis = Axis([(x(value), value) for value in log_ticks(low, high * 1.15)])
    return Chart(30 + 22 * len(deciles) + 16, marks, x_axis, Axis([]), {})


def gains(rows: Sequence[Row]) -> Chart | None:
    """Share of revenue by share of customers: as predicted, at best, and by chance."""
    if not rows:
        return None
    start = {"share": 0.0, "predicted_order": 0.0, "best_order": 0.0}
    rows = [start, *rows]
    reached = [row[name] for row in rows for name in ("predicted_order", "best_order")]
    x, y = Scale(0, 1, LEFT, RIGHT), Scale(min(0.0, *reached), max(1.0, *reached), 238, 12)
    curves = {
        name: line((x(row["share"]), y(row[name])) for row in rows)
        for name in ("predicted_order", "best_order")
    }
    fifth = min(rows, key=lambda row: abs(row["share"] - 0.2))
    marks = [Mark(fifth, x(fifth["share"]), y(fifth["predicted_order"]))]
    chance = line([(x(0), y(0)), (x(1), y(1))])
    shares = [(x(share), share) for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)]
    return Chart(282, marks, Axis(shares), _axis(y, 6), curves | {"chance": chance})


def reliability(tenths: Sequence[Row]) -> Chart | None:
    """Share that bought by stated probability, with two standard errors around what was stated.

    None without customers. A mark off its bar is more than chance: its tenth was told too much or
    too little.
    """
    if not tenths:
        return None
    top = min(1.0, 1.1 * max(0.05, *(max(row["stated"], row["bought"]) for row in tenths)))
    x, y = Scale(0, top, LEFT, RIGHT), Scale(0, top, 238, 12)

    def place(share: float) -> float:
        return y(min(max(share, 0.0), top))

    marks = [
        Mark(
            row,
            x(row["stated"]),
            y(row["bought"]),
            place(row["stated"] - 2 * row["standard_error"]),
            place(row["stated"] + 2 * row["standard_error"]),
        )
        for row in tenths
    ]
    exact = line([(x(0), y(0)), (x(top), y(top))])
    return Chart(282, marks, _axis(x, 6), _axis(y, 6), {"exact": exact})


def changes(
    windows: Sequence[Row], name: str, *, threshold: str | None = None, sign: int = 1
) -> Chart | None:
    """`<name>_change` of matured windows, with the threshold that breaches on the side of `sign`.

    Where rows have `<name>_low` and `<name>_high` they are an interval, in logarithms like the
    change itself; None in a window too small for one. None when no window has a change.
    """
    known = [row for row in windows if row[f"{name}_change"] is not None]
    if not known:
        return None
    has_interval = f"{name}_low" in known[0]
    change = math.expm1 if has_interval else float
    limits = [sign * row[threshold] for row in known] if threshold else []

    def end(row: Row, side: str) -> float | None:
        place = row.get(f"{name}_{side}")
        return None if place is None else change(place)

    moved = [change(row[f"{name}_change"]) for row in known]
    intervals = [(end(row, "low"), end(row, "high")) for row in known]
    ends = [place for interval in intervals for place in interval if place is not None]
    y = _change_scale([*moved, *ends, *limits])
    x = _days(windows, NARROW_RIGHT)
    marks = [
        Mark(
            row | {"shown_change": place},
            x(row["cutoff"].toordinal()),
            y(place),
            None if low is None else y(low),
            None if high is None else y(high),
        )
        for row, place, (low, high) in zip(known, moved, intervals, strict=True)
    ]
    steps = _edge_to_edge([(mark.x, y(limit)) for mark, limit in zip(marks, limits, strict=False)])
    zero = line([(LEFT, y(0)), (NARROW_RIGHT, y(0))])
    paths = {"zero": zero} | ({"threshold": line(steps)} if steps else {})
    return Chart(186, marks, _day_axis(windows, x, 3), _axis(y, 5), paths)


@dataclass(frozen=True)
class Measure:
    """What a cluster typically does, and how that lies against all customers.

    start, end: places (0-100) of a bar from "as all" to the ratio, on a logarithmic line from a
    quarter to four times; both 50 where no ratio exists.
    """

    name: str
    value: float | None
    everybody: float | None
    start: float
    end: float


def portrait(cluster: Row, everybody: Row, measures: dict[str, str]) -> list[Measure]:
    """The measures (column -> words) of a cluster beside those of all customers."""
    place = LogScale(0.25, 4, 0, 100)
    found = []
    for column, words in measures.items():
        mine, usual = cluster[column], everybody[column]
        end = 50.0
        if mine is not None and mine >= 0 and usual is not None and usual > 0:
            end = place(mine / usual)
        found.append(Measure(words, mine, usual, min(50.0, end), max(50.0, end)))
    return found


@dataclass(frozen=True)
class HeatCell:
    """A cell of the grid, and how strong its colour is (0-1); None where it was not scored."""

    row: Row | None
    strength: float | None


def heat_map(cells: Sequence[Row], figure: str) -> dict[int, dict[int, HeatCell]]:
    """history_months -> pred_months -> cell, all rows and columns of the grid."""
    values = [row[figure] for row in cells if row[figure] is not None]
    tint = Scale(min(values, default=0.0), max(values, default=0.0), 0, 1)
    known = {(row["history_months"], row["pred_months"]): row for row in cells}

    def cell(row: Row | None) -> HeatCell:
        value = row[figure] if row else None
        return HeatCell(row, None if value is None else tint(value))

    histories, predictions = (sorted({key[side] for key in known}) for side in (0, 1))
    return {
        history: {months: cell(known.get((history, months))) for months in predictions}
        for history in histories
    }


def _days(rows: Sequence[Row], right: float = RIGHT) -> Scale:
    """Cutoffs on the horizontal line, a little inside the canvas."""
    ordinals = [row["cutoff"].toordinal() for row in rows]
    return Scale(min(ordinals), max(ordinals), LEFT + 12, right - 16)


def _day_axis(rows: Sequence[Row], x: Scale, most: int = 4) -> Axis:
    days = month_ticks(rows[0]["cutoff"], rows[-1]["cutoff"], most)
    return Axis([(x(day.toordinal()), day) for day in days])


def _axis(y: Scale, most: int) -> Axis:
    return Axis([(y(value), value) for value in ticks(y.low, y.high, most)])


def _change_scale(values: Sequence[float]) -> Scale:
    """Room for the changes and the thresholds, no further than MOST_CHANGE."""
    high = min(max([LEAST_CHANGE, *values]) * 1.08, MOST_CHANGE)
    low = max(min([-LEAST_CHANGE, *values]) * 1.08, -MOST_CHANGE)
    return Scale(low, high, 152, 12)


def _edge_to_edge(points: list[Point]) -> list[Point]:
    """The points, and the line drawn on to both edges."""
    return [(LEFT, points[0][1]), *points, (NARROW_RIGHT, points[-1][1])] if points else []
