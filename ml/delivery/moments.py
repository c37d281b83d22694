"""Moments as people and programs write them: how a column is read, and which format it has.

A text is read as ISO or by one strptime format a source. Behind the time may stand an offset or a
zone (`-0400`, `Z`, `PST`, `Europe/Berlin`); then the moment is converted to the source's zone.
Numbers are read as seconds, milliseconds or microseconds since 1970, or as days of a spreadsheet.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import duckdb

from ml.delivery.number_texts import BLANKS
from ml.home.config import MOMENT_NUMBERS
from ml.home.errors import CallError

DAYS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d", "%Y.%m.%d")
DAYS += ("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y")
DAYS += ("%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d/%b/%Y", "%Y %b %d")
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S.%f", "T%H:%M:%S")
TIMES += ("T%H:%M", ", %H:%M", ", %H:%M:%S", ", %I:%M %p", ", %I:%M:%S %p", " %H.%M", "T%H%M%S")
FORMATS = tuple(day + time for day, time in product(DAYS, TIMES))
FORMATS += ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d %H%M%S", "%H:%M %d/%m/%Y", "%H:%M %d.%m.%Y")
# the numbers a moment can be: the SQL of one and the range in which a number is taken for it
NUMBERS = {
    "epoch_seconds": ("make_timestamptz(cast({} * 1e6 as bigint))", 2e8, 5e9),
    "epoch_milliseconds": ("make_timestamptz(cast({} * 1e3 as bigint))", 2e11, 5e12),
    "epoch_microseconds": ("make_timestamptz(cast({} as bigint))", 2e14, 5e15),
    "spreadsheet_days": (
        "date_trunc('second', timestamp '1899-12-30'"
        " + to_microseconds(cast(round({} * 86400) * 1e6 + 1 as bigint)))",
        25570,
        80000,
    ),
}
assert set(NUMBERS) == set(MOMENT_NUMBERS)
FORMATTED = ("VARCHAR", "INTEGER", "BIGINT", "UINTEGER", "UBIGINT", "HUGEINT", "DOUBLE", "FLOAT")
FORMAT_SAMPLE, SAMPLE_OF_A_SHAPE = 10_000, 20

# zones without a place; of two meanings the one that business exports have
ABBREVIATIONS = {
    "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9, "AWST": 8, "AEST": 10, "AEDT": 11,
    "NZST": 12, "NZDT": 13, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
    "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip
# a time, and what may stand behind it
ZONED = (
    r"^((?:.*:[0-9]{1,2}|[0-9]{8}T[0-9]{4,6})(?:[.,][0-9]+)?(?:\s*[ap]m\b)?)\s*[(]?"
    r"(Z|(?:UTC|GMT)?[+−-][0-9]{1,2}(?::?[0-9]{2})?(?:\[.*\])?|[A-Z]{3,4}"
    r"|[A-Z][A-Za-z_]+/[A-Za-z_/+-]+)[)]?$"
)
# what is written in another way before a format is tried, in this order
TIDIED = (
    (r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", ""),
    # 03.16.29.000000 PM, as databases write it
    (r"([0-9]) ([0-9]{1,2})[.]([0-9]{2})[.]([0-9]{2})([.][0-9]+)?( [ap]m)$", r"\1 \2:\3:\4\6"),
    (r"([0-9]) ?([ap])\.?m\.?($| )", r"\1 \2m\3"),
    (r"\bsept\b\.?", "Sep"),
    (r"\b(jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec)\.", r"\1"),
    (r"(:[0-9]{2}),([0-9]+)", r"\1.\2"),
    (r"([0-9])(?:st|nd|rd|th)\b", r"\1"),
    # Jan 02 15:16:29 EST 2019, as programs write it: the year goes before the time
    (r"^([a-z]+ [0-9]{1,2}) ([0-9:.]+) ([0-9]{4})$", r"\1 \3 \2"),
    (r"^([a-z]+ [0-9]{1,2}) ([0-9:.]+) ([a-z]{1,5}|[+-][0-9:]+) ([0-9]{4})$", r"\1 \4 \2 \3"),
    # GMT-0500 (Eastern Standard Time), as browsers write it
    (r"([+-][0-9]{4}) [(][^()]+[)]$", r"\1"),
    # 02/Jan/2019:15:16:29, as servers write it
    (r"^([0-9]{1,2}/[a-z]{3}/[0-9]{4}):", r"\1 "),
    (r"([0-9]),? at ([0-9])", r"\1 \2"),
)
# whose offsets are tried on times with offsets, of zones with equal ones the likelier first
ZONES = (
    "Europe/London", "Europe/Berlin", "America/New_York", "America/Chicago",
    "America/Los_Angeles", "America/Denver", "America/Toronto", "Europe/Helsinki",
    "Europe/Istanbul", "Asia/Kolkata", "Asia/Tokyo", "Asia/Shanghai", "Asia/Singapore",
    "Australia/Sydney", "Australia/Brisbane", "Australia/Perth", "Australia/Adelaide",
    "Pacific/Auckland", "America/Sao_Paulo", "America/Mexico_City",
    "America/Argentina/Buenos_Aires", "America/Bogota", "America/Halifax", "America/Phoenix",
    "America/Anchorage",
    "Pacific/Honolulu", "Asia/Dubai", "Asia/Karachi", "Asia/Bangkok", "Asia/Tehran",
    "Africa/Johannesburg", "Africa/Lagos", "Africa/Cairo", "UTC",
)  # fmt: skip
LEAST_SHARE_OF_A_ZONE = 0.9
ZONE_SAMPLE = 20_000


@dataclass(frozen=True)
class Formats:
    """How the moments of a column can be read: the format (None: ISO), rivals that read as many.

    reads_all: whether each filled cell is read by the best one, or as ISO.
    """

    best: str | None
    rivals: tuple[str, ...]
    reads_all: bool = True

    @property
    def possible(self) -> tuple[str, ...]:
        return () if self.best is None else (self.best, *self.rivals)


@dataclass(frozen=True)
class Reading:
    """How a source's moments are read: zone of its days, format (None: ISO), zone of its texts.

    form: a strptime format or one of NUMBERS. written_in: the zone of times that name none; None
    is `timezone`.
    """

    timezone: str
    form: str | None = None
    written_in: str | None = None

    def local(self, naive: str) -> str:
        """SQL of the local time, for a time that names no zone."""
        if self.written_in in (None, self.timezone):
            return naive
        return f"timezone('{self.timezone}', timezone('{self.written_in}', {naive}))"


def moment_sql(cell: str, kind: str, reading: Reading) -> str:
    """SQL of the local time of a value of the DuckDB type `kind`; NULL where it is no moment."""
    zone, form = reading.timezone, reading.form
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('{zone}', {cell})"
    if form in NUMBERS and (kind in FORMATTED or kind.startswith("DECIMAL")):
        return _of_number(f"try_cast({cell} as double)", form, zone)
    if form is not None and kind in FORMATTED:
        text = _digits(cell, kind)
        fast = reading.local(f"try_strptime({text}, '{form}')")
        # a text without a time is a day, as in ISO
        others = {None: None, _day_form(form): None}
        slow = [_of_text(text, replace(reading, form=other)) for other in (form, *others)]
        # no coalesce: DuckDB works out what its later values share for all rows
        careful = f"coalesce({', '.join(slow)})"
        return f"case when {fast} is not null then {fast} else {careful} end"
    if kind == "VARCHAR":
        return _of_text(cell, reading)
    return reading.local(f"try_cast({cell} as timestamp)")


def _day_form(form: str) -> str:
    """The part of a format before its time; all of it where the time comes first or is none."""
    return re.split(r"[ ,T]+%[HI]", form)[0] or form


def day_and_time(day: str, day_kind: str, time: str, time_kind: str) -> str:
    """SQL of one text from a column of days and one of times; a day without a time is a day."""
    if day_kind == "VARCHAR":
        day_text = f"regexp_replace(trim({day}), '[ T]00:00(:00([.]0+)?)?$', '')"
    else:
        day_text = f"cast(cast({day} as date) as varchar)"
    if time_kind.startswith("TIMESTAMP"):
        time_text = f"cast(cast({time} as time) as varchar)"
    else:
        time_text = f"nullif(regexp_replace(trim({time}::varchar), '^1(899|900)-[0-9-]+ ', ''), '')"
    return f"case when {day} is not null then concat_ws(' ', {day_text}, {time_text}) end"


def _digits(cell: str, kind: str) -> str:
    """SQL of the text of a cell; 20190102.0 is 20190102."""
    if kind in ("DOUBLE", "FLOAT"):
        return f"cast(try_cast({cell} as bigint) as varchar)"
    return cell if kind == "VARCHAR" else f"{cell}::varchar"


def _of_number(number: str, form: str, zone: str) -> str:
    sql, _, most = NUMBERS[form]
    moment = sql.format(number)
    local = f"timezone('{zone}', {moment})" if form.startswith("epoch") else moment
    # a negative number is a moment before 1970, which is refused by that name
    return f"case when {number} between {-most} and {most} then {local} end"


def _of_text(text: str, reading: Reading) -> str:
    """SQL of the local time of a text whose time may have an offset or a zone behind it."""
    tidy, zone, form = _tidy(text), reading.timezone, reading.form
    behind = f"regexp_extract({tidy}, '{ZONED}', 2, 'i')"
    body = f"regexp_extract({tidy}, '{ZONED}', 1, 'i')"
    iso = f"strftime({_read(body, form)}, '%Y-%m-%d %H:%M:%S.%f')"
    converted = f"timezone('{zone}', try_cast({iso} || {_zone(behind)} as timestamptz))"
    plain = reading.local(f"coalesce({_read(text, form)}, {_read(tidy, form)})")
    has_time = f"({text} like '%:%' or {text} like '%T%')"
    is_zoned = f"{has_time} and regexp_matches({tidy}, '{ZONED}', 'i')"
    by_shape = f"case when {is_zoned} then {converted} else {plain} end"
    if form is not None:
        return by_shape
    # most texts are `2011-12-31 10:05:00`, with nothing behind
    is_plain = f"length({text}) = 19 and {text}[17] = ':' and {text}[14] = ':'"
    quick = reading.local(f"try_cast({text} as timestamp)")
    return f"case when {is_plain} then {quick} else {by_shape} end"


def _read(text: str, form: str | None) -> str:
    return f"try_cast({text} as timestamp)" if form is None else f"try_strptime({text}, '{form}')"


def _trimmed(text: str) -> str:
    return f"regexp_replace({text}, '^{BLANKS}+|{BLANKS}+$', '', 'g')"


def _tidy(text: str) -> str:
    """SQL of the text with plain blanks, and what TIDIED says."""
    plain = f"regexp_replace({_trimmed(text)}, '{BLANKS}+', ' ', 'g')"
    for pattern, instead in TIDIED:
        plain = f"regexp_replace({plain}, '{pattern}', '{instead}', 'i')"
    return plain


def _zone(behind: str) -> str:
    """SQL of what a cast to timestamptz reads, for the text behind a time; NULL if unknown."""
    tidy = f"regexp_replace(replace({behind}, '−', '-'), '\\[.*\\]$', '')"
    offset = f"regexp_replace({tidy}, '^(UTC|GMT)', '', 'i')"
    hours = f"lpad(regexp_extract({offset}, '[0-9]{{1,2}}'), 2, '0')"
    minutes = (
        f"coalesce(nullif(regexp_extract({offset}, '[+-][0-9]{{2}}:?([0-9]{{2}})$', 1), ''), '00')"
    )
    named = " ".join(
        f"when '{name}' then '{hour:+03d}:00'" for name, hour in {"Z": 0, **ABBREVIATIONS}.items()
    )
    return (
        f"case when regexp_full_match({offset}, '[+-][0-9]{{1,2}}(:?[0-9]{{2}})?')"
        f" then left({offset}, 1) || {hours} || ':' || {minutes}"
        f" when contains({tidy}, '/') then ' ' || {tidy}"
        f" else case upper({tidy}) {named} end end"
    )


# The format of a column


def moment_formats(rows: duckdb.DuckDBPyRelation, cell: str, kind: str) -> Formats:
    """How the moments of a column can be read, by all of its rows; ISO wins a tie.

    cell: SQL of the column's values over `rows`. A format that reads none of a sample of every
    shape of text is not tried on the rest.
    """
    is_decimal = kind.startswith("DECIMAL")
    if kind not in FORMATTED and not is_decimal:
        return Formats(None, ())
    text = _digits(cell, "DOUBLE" if is_decimal else kind)
    texts = rows.project(f"{text} as text").filter("text is not null")
    (iso,) = texts.aggregate(f"count(*) filter ({_is_plain_iso('text')})").fetchone() or (0,)
    others = texts.filter(f"not coalesce({_is_plain_iso('text')}, false)")
    if others.limit(1).fetchone() is None:
        return Formats(None, ())
    cells = others.project(f"text, {_body('text')} as body")
    shape = "regexp_replace(regexp_replace(body, '[0-9]', '9', 'g'), '[A-Za-z]', 'a', 'g')"
    sample = cells.limit(FORMAT_SAMPLE).query(
        "cells",
        "select * from cells where body is not null"
        f" qualify row_number() over (partition by {shape}) <= {SAMPLE_OF_A_SHAPE}",
    )
    sampled = _readable(sample, (None, *FORMATS, *NUMBERS))
    tried = tuple(form for form, count in sampled.items() if count)
    counts = _readable(cells, (None, *(form for form in tried if form)))
    counts[None] += iso
    best = max(counts, key=lambda form: counts[form])
    rivals = tuple(
        form for form in counts if form and form != best and counts[form] == counts[best]
    )
    is_unread = f"body is not null and not coalesce({_is_read(best)} or {_is_read(None)}, false)"
    unread = cells.filter(is_unread).limit(1).fetchone()
    return Formats(best, rivals if best is not None else (), reads_all=unread is None)


def can_be_moment(text: str) -> str:
    """SQL that says whether a text is a moment in any format."""
    body = _body(text)
    formats = " or ".join(f"year(try_strptime({body}, '{form}')) >= 1970" for form in FORMATS)
    return f"(try_cast({body} as timestamp) is not null or {formats})"


def can_be_moment_number(text: str) -> str:
    """SQL that says whether a text can be a moment written as a number."""
    ranges = " or ".join(
        f"try_cast({text} as double) between {least} and {most}"
        for _, least, most in NUMBERS.values()
    )
    return f"({ranges})"


def _is_plain_iso(text: str) -> str:
    """SQL that says whether a text is a day or a moment in ISO, with nothing around it."""
    is_written = f"regexp_full_match({text}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([ T][0-9:.]+)?')"
    return f"({is_written} and try_cast({text} as timestamp) is not null)"


def _body(text: str) -> str:
    """SQL of a text without what stands behind its time."""
    tidy = _tidy(text)
    body = f"coalesce(nullif(regexp_extract({tidy}, '{ZONED}', 1, 'i'), ''), {tidy})"
    # most texts are digits and signs: a zone behind them would follow a blank, a letter or a +
    return (
        f"case when regexp_full_match({text}, '[0-9]+([-./:][0-9]+)*') then {text} else {body} end"
    )


def in_common(read: list[Formats]) -> Formats:
    """How the moments of several files can be read by one format; files in ISO agree with any.

    Raises CallError when no format reads all files.
    """
    others = [formats for formats in read if formats.best is not None]
    if not others:
        return Formats(None, ())
    possible = [form for form in others[0].possible if all(form in one.possible for one in others)]
    if not possible:
        found = ", ".join(sorted({str(one.best) for one in others}))
        raise CallError(
            f"the times of the files are written differently ({found})",
            "deliver all files in one format",
        )
    return Formats(possible[0], tuple(possible[1:]))


def _readable(
    rows: duckdb.DuckDBPyRelation, formats: tuple[str | None, ...]
) -> dict[str | None, int]:
    """How many rows each format reads as a day since 1970; None is ISO."""

    counted = ", ".join(f"count(*) filter ({_is_read(form)})" for form in formats)
    return dict(zip(formats, rows.aggregate(counted).fetchone() or (), strict=True))


def _is_read(form: str | None) -> str:
    """SQL that says whether a format reads a cell as a day since 1970."""
    if form is None:
        return "try_cast(body as timestamp) is not null"
    if form in NUMBERS:
        _, least, most = NUMBERS[form]
        return f"try_cast(text as double) between {least} and {most}"
    read = f"try_strptime(body, '{form}')"
    if (day := _day_form(form)) != form:
        read = f"coalesce({read}, try_strptime(body, '{day}'))"
    return f"year({read}) >= 1970"


# The zone that offsets tell


def zone_of_offsets(rows: duckdb.DuckDBPyRelation, cell: str, form: str | None) -> str | None:
    """The zone whose offsets the times of a text column carry; None where they carry none.

    One of ZONES, of those that explain at least LEAST_SHARE_OF_A_ZONE of the times. Times in UTC
    alone tell no zone.
    """
    may_have = rows.project(f"{cell} as text").filter(
        "regexp_matches(text, ':[0-9]{2}.*[+−-][0-9:]+( [0-9]{4}| [(].*[)])? *$')"
        " or regexp_matches(text, ':[0-9]{2}( ?[AaPp][Mm])? [(]?[A-Z]{3,4}[)]?( [0-9]{4})? *$')"
        " or text like '%Z'"
    )
    (count,) = may_have.aggregate("count(*)").fetchone() or (0,)
    sample = may_have.filter(f"hash(text) % {count // ZONE_SAMPLE + 1} = 0")
    tidy = _tidy("text")
    behind = f"regexp_extract({tidy}, '{ZONED}', 2, 'i')"
    body = _read(f"regexp_extract({tidy}, '{ZONED}', 1, 'i')", form)
    found = sample.project(f"{body} as local, {_zone(behind)} as zone").filter(
        "local is not null and zone similar to '[+-].*'"
    )
    counts: Counter[tuple[datetime, str]] = Counter()
    for local, zone, count in found.aggregate(
        "date_trunc('day', local) + interval 12 hour, zone, count(*)"
    ).fetchall():
        counts[local, zone] += count
    total = counts.total()
    if not total or {zone for _, zone in counts} == {"+00:00"}:
        return None
    shares = {name: _share_explained(counts, name) / total for name in ZONES}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= LEAST_SHARE_OF_A_ZONE else None


def _share_explained(counts: Counter[tuple[datetime, str]], name: str) -> int:
    zone = ZoneInfo(name)

    def offset_of(text: str) -> timedelta:
        size = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
        return -size if text[0] == "-" else size

    return sum(
        count for (local, text), count in counts.items() if zone.utcoffset(local) == offset_of(text)
    )
