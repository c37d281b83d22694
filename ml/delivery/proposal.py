"""The source section of a config for given files: known by their headers, or guessed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import duckdb
from pydantic import ValidationError
from ruamel.yaml import YAML

from ml.delivery.delivered_files import DeliveredFiles, delivered_files
from ml.delivery.guess_columns import KNOWN_ALONE, SPELLINGS, columns_of, guess_columns
from ml.delivery.moments import (
    Formats,
    day_and_time,
    in_common,
    moment_formats,
    zone_of_offsets,
)
from ml.delivery.money_decimals import guess_money_decimals
from ml.delivery.number_texts import (
    DecimalCounts,
    currency_of_signs,
    decimal_counts,
    decimal_separator_of,
    number_examples,
)
from ml.delivery.opened_file import quoted
from ml.delivery.source_files import matching_files
from ml.home.checked_yaml import words_of
from ml.home.config import Columns, Source
from ml.home.errors import CallError
from ml.home.layout import REPOSITORY, Home
from ml.home.source_layouts import Layout, read_layout, recognised

ZONE_NAMES = REPOSITORY / "config" / "zone_names.yaml"
NUMBERS = ("quantity", "unit_price", "amount", "deductions")
MOST_FILES_LOOKED_AT = 8
# the options that are keys of the source section
CHECKED = ("timestamp_format", "encoding", "decimal_separator", "timezone", "currency")


@dataclass(frozen=True)
class InitOptions:
    """What the user gave with the call; everything else is guessed."""

    files: list[str]
    columns: dict[str, str] = field(default_factory=dict)
    timestamp_format: str | None = None
    encoding: str | None = None
    decimal_separator: str | None = None
    timezone: str | None = None
    currency: str | None = None
    layout: str | None = None


class Questions(Protocol):
    """Somebody who can be asked."""

    def answer(self, question: str, default: str) -> str: ...


@dataclass
class Proposal:
    """A source section in the making: the files, what is known of it, and notes on the guesses."""

    home: Home
    files: DeliveredFiles
    options: InitOptions
    dialogue: Questions | None
    notes: list[str]
    names: set[str] = field(default_factory=set)
    cells: list[duckdb.DuckDBPyRelation] = field(default_factory=list)

    def source(self, patterns: list[str]) -> Source:
        """The section, guessed step by step: layout, columns, numbers, moments, zone, currency.

        Raises CallError where nobody can be asked and a guess would be one of two.
        """
        rows = self.files.first_rows
        layout = self._layout(rows.columns)
        section = layout.source_for(rows.columns) if layout else {}
        columns, first_guess = self._columns(rows, section.pop("columns", None))
        zone_column = layout.zone_column(rows.columns) if layout else None
        self._note_unused(rows.columns, columns, section, zone_column)
        self.names = {*flat(columns).values()} | ({zone_column} if zone_column else set())
        self.cells = self.files.cells(self.names)
        separator = self._decimal_separator(columns, section, first_guess)
        form = self.options.timestamp_format or section.get("timestamp_format")
        form = form or self._format(columns)
        given = section | {
            "files": patterns if len(patterns) > 1 else patterns[0],
            "layout": layout.name if layout else None,
            "columns": columns,
            "encoding": self.files.encoding,
            "timestamp_format": form,
            "decimal_separator": separator,
            "timezone": self._timezone(columns, form, section, zone_column),
            "currency": self._currency(columns, section),
        }
        self._note_examples(columns, separator)
        if len(self.files.files) > 1:
            self.notes.append("a line that is in two files is counted twice here, once by `load`")
        return _checked(given)

    # Layout and columns

    def _layout(self, headers: list[str]) -> Layout | None:
        """The layout asked for, or that of the headers; none where a column was named."""
        if self.options.layout is not None:
            layout = read_layout(self.home, self.options.layout)
        elif self.options.columns:
            return None
        else:
            layout = recognised(self.home, headers)
            if layout and self.dialogue:
                said = self.dialogue.answer("layout (- for none)", layout.name)
                layout = None if said == "-" else read_layout(self.home, said)
        if layout:
            self.notes.append(
                f"the files are read as {layout.file.title!r} (layout {layout.name}): it names the"
                " columns and the rows that count"
            )
        return layout

    def _columns(
        self, rows: duckdb.DuckDBPyRelation, known: dict[str, Any] | None
    ) -> tuple[dict[str, Any], str]:
        """The columns of the layout or guessed, and the decimal sign they were guessed with."""
        counts = decimal_counts(rows, rows.columns)
        separator = self.options.decimal_separator or decimal_separator_of(counts)
        if known is None:
            guessed = guess_columns(columns_of(rows, separator), self.options.columns)
            known = asked(guessed, rows.columns, self.dialogue)
        else:
            known = require_needed(known | self.options.columns, rows.columns)
        return known, separator

    def _note_unused(
        self,
        headers: list[str],
        columns: Mapping[str, Any],
        section: Mapping[str, Any],
        zone_column: str | None,
    ) -> None:
        used = {*flat(columns).values(), zone_column}
        used |= {*section.get("keep", {}), *section.get("drop", {})}
        unused = [name for name in headers if name not in used]
        if unused:
            self.notes.append(f"columns that are not read: {', '.join(unused)}")

    # Numbers and moments

    def _decimal_separator(
        self, columns: Mapping[str, Any], section: Mapping[str, Any], first_guess: str
    ) -> str:
        """The decimal sign of all files, by all cells of the columns of numbers."""
        separator = self.options.decimal_separator or section.get("decimal_separator")
        if separator is None:
            separator = self._told_by_cells(columns) or first_guess
            if separator != ".":
                self.notes.append(f"numbers are read with {separator!r} before their decimals")
        return separator

    def _told_by_cells(self, columns: Mapping[str, Any]) -> str | None:
        """What the cells tell; None if nothing. Raises CallError when files differ."""
        names = [yours for ours, yours in flat(columns).items() if ours.startswith(NUMBERS)]
        total = DecimalCounts()
        for rows in self.cells:
            total = total.plus(decimal_counts(rows, [one for one in names if one in rows.columns]))
        if total.commas and total.points and len(self.files.files) > 1:
            self._refuse_two_forms(names)
        return decimal_separator_of(total) if any(total) else None

    def _refuse_two_forms(self, names: list[str]) -> None:
        told: dict[str, str] = {}
        for name, rows in self.files.cells_of_each(self.names):
            counts = decimal_counts(rows, [one for one in names if one in rows.columns])
            if counts.commas or counts.points:
                told.setdefault(decimal_separator_of(counts), name)
        if len(told) > 1:
            raise CallError(
                f"numbers are written with a decimal point in {told['.']} and with a decimal comma"
                f" in {told[',']}",
                "deliver all files in one form, or say which one counts with --decimal-separator",
            )

    def _format(self, columns: Mapping[str, Any]) -> str | None:
        read = list(_formats(columns, self.cells))
        if not all(formats.reads_all for formats in read):
            # files of two forms that were looked at together: each speaks for itself
            read = list(
                _formats(columns, (rows for _, rows in self.files.cells_of_each(self.names)))
            )
        return time_format(in_common(read), columns["ordered_at"], self.dialogue, self.notes)

    def _note_examples(self, columns: Mapping[str, Any], separator: str) -> None:
        """Note three numbers that were read and three that were not, where any is not plain."""
        for ours, yours in flat(columns).items():
            if not ours.startswith(NUMBERS):
                continue
            read, unread, count = dict[str, str](), list[str](), 0
            for rows in self.cells:
                found = number_examples(rows, yours, separator)
                read |= dict(found.read)
                unread += found.unread
                count += found.unread_count
            words = [f"{text!r} as {value}" for text, value in list(read.items())[:3]]
            if words:
                self.notes.append(f"{yours}: read are {', '.join(words)}")
            if count:
                shown = ", ".join(map(repr, dict.fromkeys(unread[:3])))
                self.notes.append(f"{yours}: {count:,} cells are no numbers, such as {shown}")

    # Zone and currency

    def _timezone(
        self,
        columns: Mapping[str, Any],
        form: str | None,
        section: Mapping[str, Any],
        zone_column: str | None,
    ) -> str:
        if self.options.timezone or section.get("timezone"):
            return self.options.timezone or section["timezone"]
        guess = self._named_zone(zone_column) if zone_column else self._zone_told(columns, form)
        return self._answer("time zone of the days", guess or "UTC")

    def _named_zone(self, zone_column: str) -> str | None:
        """The zone that most lines name, in the words of the shop system."""
        counts = Counter[str]()
        for rows in self.cells:
            counts.update(value_counts(rows, zone_column))
        if not counts:
            return None
        named = counts.most_common(1)[0][0]
        if len(counts) > 1:
            others = ", ".join(name for name in counts if name != named)
            self.notes.append(
                f"{zone_column}: most lines are of {named}; the days of {others} are days there"
            )
        zone = zone_names().get(named, named)
        self.notes.append(f"days are those of {zone}, as {zone_column} says")
        return zone

    def _zone_told(self, columns: Mapping[str, Any], form: str | None) -> str | None:
        """The zone whose offsets stand behind the times of most files."""
        zone = None
        for rows in self.cells:
            cell = moment_cell(columns, rows)
            if zone is None and cell is not None and cell[1] == "VARCHAR":
                zone = zone_of_offsets(rows, cell[0], form)
        if zone is not None:
            self.notes.append(
                f"days are those of {zone}, which has the offsets of the times; say another zone"
                " of the same offsets with --timezone"
            )
        return zone

    def _currency(self, columns: dict[str, Any], section: Mapping[str, Any]) -> str:
        """The currency that the column or the signs of the money tell.

        Raises CallError where lines have several and nobody said which counts.
        """
        counts = Counter[str]()
        if "currency" in columns:
            for rows in self.cells:
                counts.update(value_counts(rows, columns["currency"], upper=True))
        said = self.options.currency or section.get("currency")
        if len(counts) > 1 and said is None:
            if self.dialogue is None:
                shares = ", ".join(
                    f"{name} {count / counts.total():.1%}" for name, count in counts.most_common(5)
                )
                raise CallError(
                    f"{columns['currency']}: the lines have several currencies ({shares})",
                    "say which one counts, such as --currency "
                    f"{counts.most_common(1)[0][0]}: lines of others are refused",
                )
            said = self.dialogue.answer(
                f"the currency that counts, of {', '.join(counts)}", counts.most_common(1)[0][0]
            )
        if said is not None:
            return said.upper()
        guess = next(iter(counts), None) or self._currency_of_signs(columns)
        return self._answer("currency", guess or "USD").upper()

    def _currency_of_signs(self, columns: Mapping[str, Any]) -> str | None:
        money = next(columns[one] for one in ("amount", "unit_price") if one in columns)
        told = (currency_of_signs(rows, money) for rows in self.cells if money in rows.columns)
        return next((currency for currency in told if currency), None)

    def _answer(self, question: str, default: str) -> str:
        return self.dialogue.answer(question, default) if self.dialogue else default


def propose(
    home: Home,
    scratch: Path,
    patterns: list[str],
    options: InitOptions,
    dialogue: Questions | None,
    progress: Callable[[str], None],
) -> tuple[Source, list[str]]:
    """The source section for the files that `patterns` match, and notes on how it was guessed."""
    _check(options)
    notes: list[str] = []
    paths = matching_files(home, patterns)
    with delivered_files(home, paths, options.encoding, scratch, notes) as files:
        progress(f"looking at {files.files[0].name(home)}")
        source = Proposal(home, files, options, dialogue, notes).source(patterns)
    decimals = guess_money_decimals(files.files[:MOST_FILES_LOOKED_AT], source, scratch)
    if decimals != source.money_decimals:
        notes.append(f"money is read with {decimals} decimals: four would lose some of it")
    return source.model_copy(update={"money_decimals": decimals}), notes


def asked(
    guessed: dict[str, str], delivered: list[str], dialogue: Questions | None
) -> dict[str, Any]:
    """The columns as guessed or as the user changed them; the needed ones are all there.

    Raises CallError for what is missing and for a column that is not delivered.
    """
    columns = dict(guessed)
    for ours in SPELLINGS if dialogue else ():
        if ours == "amount" and "unit_price" in columns and "quantity" in columns:
            continue
        if ours in KNOWN_ALONE and ours not in columns:
            continue
        names = f"; one of {', '.join(delivered)}" if ours == "customer_id" else ""
        question = f"column of {ours} (- for none{names})"
        said = dialogue.answer(question, columns.get(ours, "-")) if dialogue else "-"
        columns.pop(ours, None)
        if said != "-":
            columns[ours] = said
    return require_needed(columns, delivered)


def require_needed(columns: dict[str, Any], delivered: list[str]) -> dict[str, Any]:
    """The columns. Raises CallError for a needed one that is missing or is not delivered."""
    for ours, yours in flat(columns).items():
        if yours not in delivered:
            raise CallError(f"{ours}: no column {yours!r}", f"the file has {', '.join(delivered)}")
    priced = "unit_price" in columns and "quantity" in columns
    missing = [name for name in ("customer_id", "ordered_at") if name not in columns]
    missing += [] if priced or "amount" in columns else ["amount (or quantity and unit_price)"]
    if missing:
        raise CallError(
            f"no column looks like {' and '.join(missing)}; the file has {', '.join(delivered)}",
            "name your columns, for example with --customer-id, --ordered-at, --amount",
        )
    return columns


def flat(columns: Mapping[str, Any]) -> dict[str, str]:
    """Our names to delivered names, with each deduction by a name of its own."""
    flattened = {ours: yours for ours, yours in columns.items() if isinstance(yours, str)}
    deductions = columns.get("deductions", [])
    return flattened | {
        f"deductions {place}": yours for place, yours in enumerate(deductions, start=1)
    }


def _formats(
    columns: Mapping[str, Any], files: Iterable[duckdb.DuckDBPyRelation]
) -> Iterator[Formats]:
    for rows in files:
        cell = moment_cell(columns, rows)
        if cell is not None:  # `load` names the file that lacks the column
            yield moment_formats(rows, *cell)


def moment_cell(
    columns: Mapping[str, Any], rows: duckdb.DuckDBPyRelation
) -> tuple[str, str] | None:
    """SQL of the moments of a file and their type; None where it has no such column."""
    kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
    day, time = columns["ordered_at"], columns.get("time_of_day")
    if day not in kinds or (time is not None and time not in kinds):
        return None
    if time is None:
        return quoted(day), kinds[day]
    return day_and_time(quoted(day), kinds[day], quoted(time), kinds[time]), "VARCHAR"


def time_format(
    formats: Formats, column: str, dialogue: Questions | None, notes: list[str]
) -> str | None:
    """The format to read times by, None for ISO.

    Raises CallError when day and month cannot be told apart and nobody can be asked.
    """
    if formats.best is None:
        return None
    other = next(
        (form for form in formats.rivals if _swaps_day_and_month(form, formats.best)), None
    )
    if other is None:
        notes.append(f"times are read as {formats.best}")
        return formats.best
    if dialogue is None:
        raise CallError(
            f"{column}: every date can be read as {formats.best} and as {other}",
            f"say which one is right with --timestamp-format '{formats.best}'",
        )
    return dialogue.answer(f"{column} reads as {formats.best} and as {other}; which", formats.best)


def _swaps_day_and_month(form: str, other: str) -> bool:
    return (
        "%m" in form
        and "%m" in other
        and ((form.index("%d") < form.index("%m")) != (other.index("%d") < other.index("%m")))
    )


def value_counts(
    rows: duckdb.DuckDBPyRelation, column: str, *, upper: bool = False
) -> dict[str, int]:
    """The filled values of a column, with their lines; none where a file lacks it."""
    if column not in rows.columns:
        return {}
    text = f"trim({quoted(column)}::varchar)"
    text = f"upper({text})" if upper else text
    counted = rows.aggregate(f"nullif({text}, '') as value, count(*) as line_count")
    return dict(counted.filter("value is not null").order("line_count desc, value").fetchall())


@cache
def zone_names() -> dict[str, str]:
    """Names of zones in shop systems, to those of the tz database."""
    return dict(YAML(typ="safe").load(ZONE_NAMES.read_text(encoding="utf-8")))


def _check(options: InitOptions) -> None:
    """Raises CallError for an option that no config can hold."""
    columns = {"customer_id": "customer", "ordered_at": "date", "amount": "amount"}
    given = {key: value for key in CHECKED if (value := getattr(options, key)) is not None}
    _checked({"files": "any", "columns": columns} | given)


def _checked(given: dict[str, Any]) -> Source:
    try:
        columns = Columns.model_validate(given["columns"])
        return Source.model_validate(given | {"columns": columns})
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"]) or "columns"
        what, remedy = words_of(problem)
        raise CallError(f"{name.replace('_', '-')}: {what}", remedy) from None
