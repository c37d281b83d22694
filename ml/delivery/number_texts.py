"""Numbers as people and ledgers write them, for one decimal sign a file: `1,234.50-`, `($6.40)`.

Read are digits in groups of one style, a sign before or behind or brackets, and a currency sign or
code before or behind. A text that is a number only for the other decimal sign is none:
`1.234,50` where the point is decimal.
"""

from dataclasses import dataclass
from typing import NamedTuple

import duckdb

# every blank that a text can hold, the narrow and the unbroken ones too
BLANKS = r"[\s\x{00A0}\x{2007}\x{2009}\x{202F}\x{200B}\x{FEFF}]"
DASHES = "-−–"
# digits that are not 0 to 9, and what they mean
OTHER_DIGITS = ("０１２３４５６７８９٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "0123456789" * 3)
CURRENCY = (
    r"(?:(?:US|AU|CA|NZ|HK|MX|NT|[ACRS])?\p{Sc}|[A-Z]{3}"
    r"|kr\.?|zł|Kč|Ft|lei|лв\.?|руб\.?|Rs\.?|Fr\.?|[đĐ]|Rp\.?|RM|TL|sats?)"
)
# what a sign means where it means one currency; a bare dollar sign is taken for the commonest
SIGNS = {
    "$": "USD", "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD",
    "NZ$": "NZD", "HK$": "HKD", "NT$": "TWD", "MX$": "MXN", "R$": "BRL", "S$": "SGD",
    "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₫": "VND", "₺": "TRY",
    "₽": "RUB", "₴": "UAH", "₪": "ILS", "₱": "PHP", "฿": "THB", "₦": "NGN", "zł": "PLN",
    "Kč": "CZK", "Ft": "HUF", "lei": "RON", "Rs.": "INR", "Rs": "INR", "Fr.": "CHF",
    "đ": "VND", "Đ": "VND", "Rp": "IDR", "Rp.": "IDR", "RM": "MYR", "TL": "TRY",
}  # fmt: skip
EXAMPLES = 3
# how thousands are grouped; a point or a comma only where it is not the decimal sign
GROUPED = (
    r"[0-9]{{1,3}}(?:{thousand}[0-9]{{3}})+",
    r"[0-9]{{1,3}}(?:{blank}[0-9]{{3}})+",
    r"[0-9]{{1,3}}(?:[\x27’´`][0-9]{{3}})+",
    r"[0-9]{{1,3}}(?:_[0-9]{{3}})+",
)
LAKHS = "[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"
# three digits after a sign may be a group: they tell nothing
TELLS = r"{around}[0-9{other}]*[0-9][{sign}](?:[0-9]{{1,2}}|[0-9]{{4,}}){around}"
MAY_BE_GROUPS = r"{around}[0-9]{{1,3}}(?:[{sign}][0-9]{{3}})+{around}"
AROUND = rf"[{DASHES}+()\s\p{{Sc}}]*(?:[A-Za-z]{{1,3}}[.]?)?[{DASHES}+()\s]*"


def number_sql(text: str, decimal_separator: str, kind: str) -> str:
    """SQL of `text` (SQL of a varchar) as a number of the SQL type `kind`; NULL if it is none."""
    if decimal_separator == ".":
        # most cells are plain: only the others go the long way
        plain = f"try_cast({text} as {kind})"
    else:
        is_plain = f"regexp_full_match({text}, '[+-]?[0-9]+(,[0-9]+)?')"
        plain = f"case when {is_plain} then try_cast(replace({text}, ',', '.') as {kind}) end"
    written = f"try_cast({_written(text, decimal_separator)} as {kind})"
    # no coalesce: DuckDB works out what its later values share for all rows
    return f"case when {plain} is not null then {plain} else {written} end"


def _written(text: str, decimal_separator: str) -> str:
    """SQL of a number that is more than digits; every step is of one text."""
    tidy = (
        f"regexp_replace(translate(regexp_replace({text}, '^{BLANKS}+|{BLANKS}+$', '', 'g'),"
        f" '{OTHER_DIGITS[0]}', '{OTHER_DIGITS[1]}'), '([0-9])[.,](-|–|—|--)$', '\\1')"
    )
    grouped = r"[.,\x27’´`_\s\x{00A0}\x{2007}\x{2009}\x{202F}]"
    unpaid = f"regexp_replace({tidy}, '{CURRENCY}', '')"
    digits = f"regexp_extract({unpaid}, '[0-9.,].*[0-9.]|[0-9]')"
    if decimal_separator == ",":
        bare = f"replace(regexp_replace({digits}, '{grouped.replace(',', '')}', '', 'g'), ',', '.')"
    else:
        bare = f"regexp_replace({digits}, '{grouped.replace('.', '', 1)}', '', 'g')"
    sign = f"case when regexp_matches({tidy}, '[{DASHES}(]') then '-' else '' end"
    return (
        f"case when regexp_full_match({tidy}, '{_pattern(decimal_separator)}')"
        f" then {sign} || {bare} when regexp_full_match({tidy}, '{_exponent(decimal_separator)}')"
        f" then replace({tidy}, ',', '.') end"
    )


def _exponent(decimal_separator: str) -> str:
    return rf"[+-]?[0-9]+(?:[{decimal_separator}][0-9]+)?[eE][+-]?[0-9]{{1,2}}"


def _pattern(decimal_separator: str) -> str:
    """A number with at most one sign and one currency, brackets as a sign."""
    thousand = "[.]" if decimal_separator == "," else ","
    ways = [way.format(thousand=thousand, blank=BLANKS) for way in GROUPED]
    if thousand == ",":
        ways.append(LAKHS)
    whole = "|".join(["[0-9]+", *ways])
    number = rf"(?:(?:{whole})(?:[{decimal_separator}][0-9]*)?|[{decimal_separator}][0-9]+)"
    sign, money = f"[{DASHES}+]{BLANKS}*", f"{CURRENCY}{BLANKS}*"
    behind, paid = f"{BLANKS}*[{DASHES}+]", f"{BLANKS}*{CURRENCY}"
    unsigned = f"(?:{money})?{number}|{number}{paid}"
    before = f"{sign}(?:{unsigned})|{money}{sign}{number}"
    after = (
        f"{number}{behind}|{money}{number}{behind}|{number}{behind}{paid}|{number}{paid}{behind}"
    )
    brackets = (
        rf"[(]{BLANKS}*(?:{unsigned}){BLANKS}*[)]|{money}[(]{BLANKS}*{number}{BLANKS}*[)]"
        rf"|[(]{BLANKS}*{number}{BLANKS}*[)]{paid}"
    )
    return f"(?:{unsigned}|{before}|{after}|{brackets})"


class DecimalCounts(NamedTuple):
    """Cells that tell a decimal comma or point, and cells such as `1,234` that can be groups."""

    commas: int = 0
    points: int = 0
    comma_groups: int = 0
    point_groups: int = 0

    def plus(self, other: "DecimalCounts") -> "DecimalCounts":
        return DecimalCounts(*map(sum, zip(self, other, strict=True)))


def decimal_counts(rows: duckdb.DuckDBPyRelation, columns: list[str]) -> DecimalCounts:
    """What the cells of the text columns among `columns` tell of their decimal sign."""
    kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
    texts = ['"' + name.replace('"', '""') + '"' for name in columns if kinds[name] == "VARCHAR"]
    if not texts:
        return DecimalCounts()
    patterns = (
        TELLS.format(around=AROUND, other=".", sign=","),
        TELLS.format(around=AROUND, other=",", sign="."),
        MAY_BE_GROUPS.format(around=AROUND, sign=","),
        MAY_BE_GROUPS.format(around=AROUND, sign="."),
    )

    def tell(text: str, pattern: str) -> str:
        # most cells have neither sign: only the others are compared with a pattern
        has_sign = f"({text} like '%,%' or {text} like '%.%')"
        return f"count(*) filter ({has_sign} and regexp_full_match({text}, '{pattern}'))"

    counted = (
        f"list_sum([{', '.join(tell(text, pattern) for text in texts)}]) as count_{number}"
        for number, pattern in enumerate(patterns)
    )
    return DecimalCounts(*(rows.aggregate(", ".join(counted)).fetchone() or ()))


def decimal_separator_of(counts: DecimalCounts) -> str:
    """`,` or `.`, by decimal_counts; where no cell tells, groups of points mean a decimal comma."""
    if counts.commas or counts.points:
        return "," if counts.commas > counts.points else "."
    return "," if counts.point_groups > counts.comma_groups else "."


@dataclass(frozen=True)
class NumberExamples:
    """Texts of a column that are no plain numbers: three that were read, three that were not."""

    read: list[tuple[str, str]]
    unread: list[str]
    unread_count: int


def number_examples(
    rows: duckdb.DuckDBPyRelation, column: str, decimal_separator: str
) -> NumberExamples:
    """What becomes of the cells of a text column that are not plain digits and a point."""
    kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
    if kinds.get(column) != "VARCHAR":
        return NumberExamples([], [], 0)
    name = '"' + column.replace('"', '""') + '"'
    cells = rows.project(f"{name} as text")
    # plain digits need no word, and with a decimal point no plain number does
    is_plain = "regexp_full_match(text, '[0-9]+')"
    if decimal_separator == ".":
        is_plain = f"({is_plain} or try_cast(text as double) is not null)"
    cells = cells.filter(f"not {is_plain} and regexp_matches(text, '[^{BLANKS[1:]}')")
    number = number_sql("text", decimal_separator, "decimal(38, 8)")
    read = cells.project(f"text, {number} as number")
    (count,) = read.aggregate("count(*) filter (number is null)").fetchone() or (0,)
    examples = read.filter("number is not null").limit(EXAMPLES)
    shown = examples.project("text, format('{:,.2f}', number::double)").fetchall()
    unread = read.filter("number is null").limit(EXAMPLES if count else 0).fetchall()
    return NumberExamples(shown, [text for text, _ in unread], count)


def currency_of_signs(rows: duckdb.DuckDBPyRelation, column: str) -> str | None:
    """The currency whose sign or code most cells of a text column carry; None without one."""
    kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
    if kinds.get(column) != "VARCHAR":
        return None
    name = '"' + column.replace('"', '""') + '"'
    sign = f"trim(regexp_extract({name}, '{CURRENCY}'))"
    signed = rows.filter(f"try_cast({name} as double) is null")
    counted = signed.aggregate(f"nullif({sign}, '') as sign, count(*) as cells")
    most = counted.filter("sign is not null").order("cells desc, sign").fetchone()
    if most is None:
        return None
    return SIGNS.get(most[0], most[0] if len(most[0]) == 3 and most[0].isascii() else None)
