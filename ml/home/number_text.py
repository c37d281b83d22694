"""A number as text: every way in which pages, cards and tables write one, each with its example.

A number that is None or NaN is not known; each function says what is written for it. Terminal,
cards and alerts are plain text (`-4%`), the report is a typeset page (`−4 %`).
"""

import math
from decimal import Decimal
from typing import Any

UNDEFINED, UNKNOWN, NOTHING, NO_VALUE = "undefined", "unknown", "-", "–"
# a number and its sign stay on one line of a page
TIGHT = "\u202f"
MINUS = "−"
LEAST_OF_TWO_DECIMALS = 0.1


def is_known(value: Any) -> bool:
    """Whether there is a number: neither None nor NaN."""
    return value is not None and not math.isnan(value)


def with_decimals(value: float | None, digits: int = 3) -> str:
    """`0.361`, for metrics that are read one below the other; else `undefined`.

    A number that would be all zeros has three digits: RMSE is in money, and money can be small.
    """
    if value is None or not is_known(value):
        return UNDEFINED
    text = f"{value:.{digits}f}"
    return small(value) or text if not float(text) else text


def money(value: float | Decimal | None) -> str:
    """`1,234.50`, or `0.000012`, for amounts whose currency is named beside them; else `-`."""
    if value is None or not is_known(value):
        return NOTHING
    return small(value) or f"{value:,.2f}"


def small(value: float | Decimal) -> str:
    """`0.000012` where two decimals would lose digits of less than 0.1; empty elsewhere.

    >>> small(0.0000123), small(0.05), small(0)
    ('0.0000123', '', '')
    """
    number = float(value)
    if not 0 < abs(number) < LEAST_OF_TWO_DECIMALS or round(number, 2) == number:
        return ""
    return f"{number:.{2 - math.floor(math.log10(abs(number)))}f}".rstrip("0")


def total(value: float) -> str:
    """`12,345`, or `0.012` below 1, for sums of money in a line of words."""
    return f"{value:,.0f}" if abs(value) >= 1 or not value else small(value) or f"{value:.2f}"


def worth(value: float | None) -> str:
    """`worth 1,234.50`, for what is not counted; else `worth unknown`."""
    return f"worth {value:,.2f}" if is_known(value) else f"worth {UNKNOWN}"


def by_size(value: float | None) -> str:
    """`1,234.50` from 10 up and `0.361` below, for columns of money and metrics; else `-`."""
    if value is None or not is_known(value):
        return NOTHING
    return f"{value:,.2f}" if abs(value) >= 10 else with_decimals(value)


def three_digits(value: float | None) -> str:
    """`0.361`, `12.3`, `250`, `1,234`: three digits tell enough; else `unknown`."""
    if value is None or not is_known(value):
        return UNKNOWN
    size, is_whole = abs(value), float(value).is_integer()
    if size >= 1000 or (size >= 100 and is_whole):
        return f"{value:,.0f}"
    if size < LEAST_OF_TWO_DECIMALS and (digits := small(value)):
        return digits
    return f"{value:.0f}" if is_whole and size >= 10 else f"{value:.3g}"


def written(value: float | None, form: str) -> str:
    """The number in a format such as `{:+.0%}` (`+4%`); else `unknown`."""
    return form.format(value) if is_known(value) else UNKNOWN


def relative_change(now: float | None, then: float | None) -> str:
    """`+4%` from then to now; nothing where it does not exist or `then` is not above 0."""
    if now is None or then is None or not (is_known(now) and is_known(then) and then > 0):
        return ""
    return f"{now / then - 1:+.0%}"


# The report


def whole(value: float | None) -> str:
    """`12,345`; else `–`."""
    return f"{value:,.0f}" if is_known(value) else NO_VALUE


def rounded(value: float | None, digits: int = 1) -> str:
    """`1,234.5`, and `1,234` where its only decimal is zero; else `–`."""
    if not is_known(value):
        return NO_VALUE
    return f"{value:,.{digits}f}".replace("-", MINUS).removesuffix(".0")


def percent(value: float | None) -> str:
    """`44 %`; a share under 1 % keeps a decimal; else `–`."""
    if value is None or not is_known(value):
        return NO_VALUE
    digits = 1 if 0 < abs(value) < 0.0095 else 0
    return f"{100 * value:.{digits}f}".replace("-", MINUS) + f"{TIGHT}%"


def signed_percent(value: float | None) -> str:
    """`+4 %`, `−4 %`, `0 %`; else `–`."""
    if value is None or not is_known(value):
        return NO_VALUE
    full = round(100 * value)
    sign = "+" if full > 0 else MINUS if full < 0 else ""
    return f"{sign}{abs(full):,}{TIGHT}%"


def amount(value: float | None, currency: str) -> str:
    """`$1,234`, `$12.34` below 100, or `$0.000012`; else `–`."""
    from babel.numbers import format_currency  # not needed to start a command

    if value is None or not is_known(value):
        return NO_VALUE
    if abs(value) >= 100:
        text = format_currency(value, currency, "¤#,##0", locale="en", currency_digits=False)
    elif digits := small(value):
        form = "¤0." + "0" * len(digits.partition(".")[2])
        text = format_currency(value, currency, form, locale="en", currency_digits=False)
    else:
        text = format_currency(value, currency, locale="en")
    return text.replace("-", MINUS)


def short_amount(value: float, currency: str) -> str:
    """`$50K`, for axes."""
    from babel.numbers import format_compact_currency

    if 0 < abs(value) < 1:
        return amount(value, currency)
    digits = 0 if abs(value) < 1000 or value % 1000 == 0 else 1
    text = format_compact_currency(value, currency, locale="en", fraction_digits=digits)
    return text.replace("-", MINUS)
