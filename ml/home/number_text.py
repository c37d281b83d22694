"""A number as text: every way in which pages, cards and tables write one, each with its example.

A number that is None or NaN is not known; each function says what stands for it.
"""

import math
from decimal import Decimal
from typing import Any

UNDEFINED, UNKNOWN, NOTHING = "undefined", "unknown", "-"


def is_known(value: Any) -> bool:
    """Whether there is a number: neither None nor NaN."""
    return value is not None and not math.isnan(value)


def with_decimals(value: float | None, digits: int = 3) -> str:
    """`0.361`, for metrics that are read one below the other; else `undefined`."""
    return f"{value:.{digits}f}" if is_known(value) else UNDEFINED


def money(value: float | Decimal | None) -> str:
    """`1,234.50`, for amounts whose currency is named beside them; else `-`."""
    return f"{value:,.2f}" if is_known(value) else NOTHING


def by_size(value: float | None) -> str:
    """`1,234.50` from 10 up and `0.361` below, for columns of money and metrics; else `-`."""
    if value is None or not is_known(value):
        return NOTHING
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.3f}"


def three_digits(value: float | None) -> str:
    """`0.361`, `12.3`, `250`, `1,234`: three digits tell enough; else `unknown`."""
    if value is None or not is_known(value):
        return UNKNOWN
    size, is_whole = abs(value), float(value).is_integer()
    if size >= 1000 or (size >= 100 and is_whole):
        return f"{value:,.0f}"
    return f"{value:.0f}" if is_whole and size >= 10 else f"{value:.3g}"


def written(value: float | None, form: str) -> str:
    """The number in a format such as `{:+.0%}` (`+4%`); else `unknown`."""
    return form.format(value) if is_known(value) else UNKNOWN


def relative_change(now: float | None, then: float | None) -> str:
    """`+4%` from then to now; nothing where it does not exist or `then` is not above 0."""
    if now is None or then is None or not (is_known(now) and is_known(then) and then > 0):
        return ""
    return f"{now / then - 1:+.0%}"
