"""Places on an SVG canvas for values: scales, ticks, paths, labels that do not overlap.

Every place is rounded to a tenth of a unit, so that the same values give the same text.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise

from dateutil.rrule import MONTHLY, rrule

Point = tuple[float, float]
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """A straight line from values low..high to places start..end; values outside are cut off."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        share = (min(max(value, self.low), self.high) - self.low) / span if span else 0.5
        return round(self.start + share * (self.end - self.start), 1)


@dataclass(frozen=True)
class LogScale:
    """The same in logarithms: equal ratios lie equally far apart. Low is above 0."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        line = Scale(math.log(self.low), math.log(self.high), self.start, self.end)
        return line(math.log(max(value, self.low)))


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` round values that lie in low..high, evenly spaced; empty without a span."""
    if not high > low:
        return []
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    for step in (power * factor for factor in (*STEPS, 2 * STEPS[-1])):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [round(number * step, 12) for number in range(first, last + 1)]
    return []


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten in low..high, with their double and fivefold where those are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    few = math.log10(high / low) <= 2
    factors = (1, 2, 5) if few else (1,)
    values = [float(f"{factor}e{power}") for power in powers for factor in factors]
    return [value for value in values if low <= value <= high]


def month_ticks(first: date, last: date, most: int) -> list[date]:
    """At most `most` firsts of months in first..last, evenly spaced; the first day without any."""
    starts = [moment.date() for moment in rrule(MONTHLY, first, bymonthday=1, until=last)]
    return starts[:: max(1, math.ceil(len(starts) / most))] or [first]


def line(points: Iterable[Point]) -> str:
    """The path through the points."""
    return "M" + " L".join(f"{x:g},{y:g}" for x, y in points)


def band(left: tuple[float, float], right: tuple[float, float], x: tuple[float, float]) -> str:
    """The closed path from the span `left` (top, bottom) at x[0] to the span `right` at x[1]."""
    (top, bottom), (end_top, end_bottom), (start, end) = left, right, x
    middle = (start + end) / 2
    return (
        f"M{start:g},{top:g} C{middle:g},{top:g} {middle:g},{end_top:g} {end:g},{end_top:g} "
        f"L{end:g},{end_bottom:g} C{middle:g},{end_bottom:g} {middle:g},{bottom:g} "
        f"{start:g},{bottom:g} Z"
    )


def stacked(shares: Sequence[float], start: float, end: float) -> list[tuple[float, float]]:
    """The spans of the shares (0-1, adding up to 1) between start and end, in order."""
    edges = accumulate(shares, initial=0.0)
    return list(pairwise(round(start + done * (end - start), 1) for done in edges))


def apart(places: Sequence[float], least: float, end: float) -> list[float]:
    """Rising places for labels, at least `least` apart and none behind `end`.

    A label is moved no further than its neighbours ask; without room for all they start lower.
    """
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + least) if moved else place)
    limit = end
    for number in range(len(moved) - 1, -1, -1):
        moved[number] = round(min(moved[number], limit), 1)
        limit = moved[number] - least
    return moved
