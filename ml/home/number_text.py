"""A number as text: every way in which pages, cards and tables write one, each with its example.

A number that is None or NaN is not known; each function says what is written for it. Terminal,
cards and alerts are plain text (`-4%`), the report is a typeset page (`−4 %`).

Every amount of money has the sign of its currency, and thousands in groups: `currency_mark` says
what stands before it. Texts that are made in SQL take the same from stg_currency.
"""

import math
from decimal import Decimal
from functools import lru_cache
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
    if not round(value, digits):
        return small(value) or f"{value:.{digits}f}"
    return f"{value:,.{digits}f}"


# Money


@lru_cache
def currency_mark(currency: str) -> str:
    """What stands before an amount of money, by the code of its currency.

    >>> currency_mark("USD"), currency_mark("CAD"), currency_mark("CHF")
    ('$', 'CA$', 'CHF ')
    """
    from babel.numbers import get_currency_symbol  # not needed to start a command

    sign = get_currency_symbol(currency, locale="en")
    return f"{sign} " if sign[-1].isalpha() else sign


def money(value: float | Decimal | None, currency: str) -> str:
    """`$1,234.50`, `¥1,234`, or `$0.000012`: to the last coin; else `-`."""
    return NOTHING if not is_known(value) else _marked(value, currency, _coins(value, currency))


def total(value: float | Decimal | None, currency: str) -> str:
    """`$12,345`, and `$12.34` below 100: sums and means of money; else `unknown`."""
    if value is None or not is_known(value):
        return UNKNOWN
    digits = f"{abs(value):,.0f}" if abs(value) >= 100 else _coins(value, currency)
    return _marked(value, currency, digits)


def worth(value: float | None, currency: str) -> str:
    """`worth $1,234.50`, for what is not counted; else `worth unknown`."""
    return f"worth {money(value, currency) if is_known(value) else UNKNOWN}"


def _marked(value: Any, currency: str, digits: str) -> str:
    return f"{'-' if value < 0 else ''}{currency_mark(currency)}{digits}"


def _coins(value: Any, currency: str) -> str:
    """The amount without its sign, with the decimals of its currency or more."""
    from babel.numbers import get_currency_precision

    decimals = get_currency_precision(currency)
    # a part of a yen is no coin, and yet more than nothing
    decimals = max(decimals, 2) if abs(value) < 1 and round(value, decimals) != value else decimals
    return small(abs(value)) or f"{abs(value):,.{decimals}f}"


def small(value: float | Decimal) -> str:
    """`0.000012` where two decimals would lose digits of less than 0.1; empty elsewhere.

    >>> small(0.0000123), small(0.05), small(0)
    ('0.0000123', '', '')
    """
    number = float(value)
    if not 0 < abs(number) < LEAST_OF_TWO_DECIMALS or round(number, 2) == number:
        return ""
    return f"{number:.{2 - math.floor(math.log10(abs(number)))}f}".rstrip("0")


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
    """`total`, typeset: `$1,234`, `−CHF 12.34` on one line; else `–`."""
    if not is_known(value):
        return NO_VALUE
    return total(value, currency).replace("-", MINUS).replace(" ", "\u00a0")


def short_amount(value: float, currency: str) -> str:
    """`$50K`, `CHF\u00a01.5M`, for axes."""
    from babel.numbers import format_compact_decimal

    if 0 < abs(value) < 1:
        return amount(value, currency)
    digits = 0 if abs(value) < 1000 or value % 1000 == 0 else 1
    short = format_compact_decimal(abs(value), locale="en", fraction_digits=digits)
    return _marked(value, currency, short).replace("-", MINUS).replace(" ", "\u00a0")
