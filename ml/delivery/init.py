"""A new home for own data: columns guessed, the files tried, the config written.

Owns config/model_config.yaml when it is first made. The preview reads the files as `load` does;
nothing stands in the home before they were found usable.
"""

import glob
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import duckdb
import jinja2
from pydantic import ValidationError
from ruamel.yaml import YAML

from ml.delivery.decimal_numbers import guess_decimal_separator
from ml.delivery.encodings import as_utf8, guess_encoding
from ml.delivery.guess_columns import (
    SPELLINGS,
    Formats,
    columns_of,
    guess_columns,
    in_common,
    time_formats,
)
from ml.delivery.load import load_files
from ml.delivery.money_decimals import guess_money_decimals
from ml.delivery.opened_file import UNREADABLE, delivered_rows
from ml.delivery.source_files import matching_files
from ml.home.config import USUAL_DECIMALS, Columns, Source, load_config, words_of
from ml.home.errors import CallError, DataNotReadyError
from ml.home.files import write_atomically
from ml.home.layout import REPOSITORY, Home
from ml.warehouse.side_copy import locked

TEMPLATE = REPOSITORY / "config" / "model_config.yaml"
REJECTION_RULE = REPOSITORY / "dbt_project" / "macros" / "rejection_reason.sql"
LONE_DAY_RULE = REJECTION_RULE.with_name("lone_last_day.sql")
READABLE = ("*.parquet", "*.csv", "*.csv.gz")
SHOWN_ROWS = 5
MOST_FILES_LOOKED_AT = 8


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


@dataclass(frozen=True)
class FirstRow:
    """A delivered row as `load` reads it, by our names; None where a value is missing."""

    customer_id: str | None
    ordered_at: datetime | None
    order_id: str | None
    product_id: str | None
    quantity: Decimal | None
    unit_price: Decimal | None
    amount: Decimal | None


@dataclass(frozen=True)
class ReadFiles:
    """What the files hold; customers, days and money are of the usable rows.

    refused: rows by the reason for which `load` would refuse them.
    """

    row_count: int
    usable: int
    customers: int
    first_day: date
    last_day: date
    net_revenue: float
    files: list[str]
    refused: dict[str, int]
    first_rows: list[FirstRow]


@dataclass(frozen=True)
class Preview(ReadFiles):
    """The files, the source section that reads them so, and what you should know of the guesses."""

    notes: list[str]
    source: Source
    home: str


@dataclass(frozen=True)
class InitAnswer(Preview):
    """The preview, and the config that was written."""

    config: str


class Dialogue(Protocol):
    """Somebody who can be asked."""

    def answer(self, question: str, default: str) -> str: ...

    def agrees(self, preview: Preview) -> bool: ...


def init(
    home: Home,
    progress: Callable[[str], None],
    options: InitOptions,
    dialogue: Dialogue | None = None,
    *,
    force: bool = False,
) -> InitAnswer:
    """Write the config of `home` for the files and columns of `options`, the rest guessed.

    With `dialogue` every guess is asked back and the preview must be agreed to. An existing config
    is refused without `force`, and with it only its `source` changes. Raises CallError when a
    column cannot be guessed, DataNotReadyError when too few rows are usable.
    """
    if home.config.exists() and not force:
        raise CallError(
            f"{home.relative(home.config)} exists already in {home.root}",
            "give another home with --home, or replace the source section with --force",
        )
    patterns = _patterns(home, _files(options, dialogue))
    with tempfile.TemporaryDirectory(prefix="clv-init-") as scratch:
        source, notes = _proposal(home, Path(scratch), patterns, options, dialogue, progress)
        source = _with_decimals(source, matching_files(home, patterns), Path(scratch), notes)
        progress("reading the files as `load` will")
        root = Path(glob.escape(str(home.root)))
        absolute = source.model_copy(
            update={"files": [str(root / pattern) for pattern in source.patterns]}
        )
        read = _read(Home(Path(scratch)), absolute)
    preview = Preview(**vars(read), notes=notes, source=source, home=str(home.root))
    if dialogue is not None and not dialogue.agrees(preview):
        raise CallError("nothing was written", "call `init` again with the columns you want")
    with locked(home):
        write_atomically(home.config, config_text(_template(home), source).encode())
    load_config(home)
    return InitAnswer(**vars(preview), config=home.relative(home.config))


# The files


def _files(options: InitOptions, dialogue: Dialogue | None) -> list[str]:
    if options.files:
        return options.files
    if dialogue is None:
        raise CallError(
            "the transaction files are missing",
            "write `init FILE`, where FILE is a .parquet, .csv or .csv.gz, or a glob such as "
            "data/*.csv",
        )
    return [dialogue.answer("transaction file (parquet, csv, csv.gz; a glob or a folder)", "")]


def _patterns(home: Home, files: list[str]) -> list[str]:
    """The globs for source.files: relative to the home below it, else absolute."""
    patterns: list[str] = []
    for name in files:
        path = Path(os.path.abspath(Path(name).expanduser())) if name else home.root / "?"
        globs = [path / ending for ending in READABLE] if path.is_dir() else [path]
        there = [one for one in globs if not path.is_dir() or list(one.parent.glob(one.name))]
        if not there:
            raise CallError(
                f"{name}: the folder holds no .parquet, .csv or .csv.gz",
                "give the folder or the files that hold your transactions",
            )
        patterns += [home.relative(one) for one in there]
    return patterns


# The columns


def _proposal(
    home: Home,
    scratch: Path,
    patterns: list[str],
    options: InitOptions,
    dialogue: Dialogue | None,
    progress: Callable[[str], None],
) -> tuple[Source, list[str]]:
    """The source section, and notes on how it was guessed."""
    files = matching_files(home, patterns)
    progress(f"looking at {files[0].name}")
    notes: list[str] = []
    encoding = options.encoding or _encoding(files, notes)
    with _rows_of(files[0], encoding, scratch) as rows:
        separator = options.decimal_separator or guess_decimal_separator(rows)
        held = columns_of(rows, separator)
        columns = _asked(guess_columns(held, options.columns), rows.columns, dialogue)
        unused = [name for name in rows.columns if name not in columns.values()]
    if separator != ".":
        notes.append(f"numbers are read with {separator!r} before their decimals")
    if unused:
        notes.append(f"columns that are not read: {', '.join(unused)}")
    if len(files) > 1:
        notes.append("a line that is in two files is counted twice here, and once by `load`")
    form, times = options.timestamp_format, columns["ordered_at"]
    if form is None:
        read = [_formats(path, encoding, scratch, times) for path in files]
        form = _time_format(in_common([one for one in read if one]), times, dialogue, notes)
    given = {
        "files": patterns if len(patterns) > 1 else patterns[0],
        "columns": columns,
        "encoding": encoding,
        "timestamp_format": form,
        "decimal_separator": separator,
        "timezone": options.timezone or _answer(dialogue, "time zone of the days", "UTC"),
        "currency": options.currency or _answer(dialogue, "currency", "USD"),
    }
    return _checked(given), notes


def _with_decimals(source: Source, files: list[Path], scratch: Path, notes: list[str]) -> Source:
    """The source with as many decimals of money as the first files need."""
    try:
        decimals = guess_money_decimals(files[:MOST_FILES_LOOKED_AT], source, scratch)
    except (*UNREADABLE, KeyError):  # the preview says what is wrong with the file
        return source
    if decimals == source.money_decimals:
        return source
    notes.append(f"money is read with {decimals} decimals: four would lose some of it")
    return source.model_copy(update={"money_decimals": decimals})


@contextmanager
def _rows_of(path: Path, encoding: str, scratch: Path) -> Iterator[duckdb.DuckDBPyRelation]:
    """The rows of a file as delivered. Raises DataNotReadyError when it cannot be read."""
    try:
        with as_utf8(path, encoding, scratch) as readable, duckdb.connect() as con:
            yield delivered_rows(con, readable)
    except (duckdb.Error, UnicodeDecodeError, EOFError) as error:
        reason = str(error).splitlines()[0][:200]
        raise DataNotReadyError(
            f"{path}: cannot be read ({reason})", "check the file, or give its --encoding"
        ) from None
    except LookupError:
        raise CallError(
            f"--encoding: unknown encoding {encoding!r}", "use one such as utf-8 or cp1252"
        ) from None


def _formats(path: Path, encoding: str, scratch: Path, times: str) -> Formats | None:
    """How the times of a file can be read; None where it has no such column (`load` says so)."""
    with _rows_of(path, encoding, scratch) as rows:
        return time_formats(rows, times) if times in rows.columns else None


def _encoding(files: list[Path], notes: list[str]) -> str:
    """The encoding of the CSV files; where they differ, that of those which are not UTF-8."""
    encodings = sorted({guess_encoding(path) for path in files if path.suffix != ".parquet"})
    others = [encoding for encoding in encodings if encoding != "utf-8"]
    if others:
        notes.append(f"the text is not UTF-8, it looks like {others[0]}")
    if len(encodings) > 1:
        notes.append(
            f"the files have several encodings ({', '.join(encodings)}): letters may be wrong"
        )
    return (others or encodings or ["utf-8"])[0]


def _asked(
    guessed: dict[str, str], delivered: list[str], dialogue: Dialogue | None
) -> dict[str, str]:
    """The columns as guessed or as the user changed them; the needed ones are all there.

    Raises CallError for what is missing and for a column that is not delivered.
    """
    columns = dict(guessed)
    for ours in SPELLINGS if dialogue else ():
        if ours == "amount" and "unit_price" in columns and "quantity" in columns:
            continue
        names = f"; one of {', '.join(delivered)}" if ours == "customer_id" else ""
        question = f"column of {ours} (- for none{names})"
        said = _answer(dialogue, question, columns.get(ours, "-"))
        columns.pop(ours, None)
        if said != "-":
            columns[ours] = said
    for ours, yours in columns.items():
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


def _answer(dialogue: Dialogue | None, question: str, default: str) -> str:
    return dialogue.answer(question, default) if dialogue else default


def _time_format(
    formats: Formats, column: str, dialogue: Dialogue | None, notes: list[str]
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


def _checked(given: dict[str, Any]) -> Source:
    try:
        columns = Columns.model_validate(given["columns"])
        return Source.model_validate(given | {"columns": columns})
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"]) or "columns"
        what, remedy = words_of(problem)
        raise CallError(f"{name.replace('_', '-')}: {what}", remedy) from None


# The preview


def _read(scratch: Home, source: Source) -> ReadFiles:
    """Rows, refusals, customers and days of the files, and the first rows in our names.

    Raises DataNotReadyError where `load` would refuse the files.
    """
    rule = jinja2.Environment().from_string(REJECTION_RULE.read_text(encoding="utf-8")).module
    with duckdb.connect(scratch.root / "preview.duckdb") as con:
        files = load_files(con, scratch, source).files_loaded
        con.execute(
            "create temp view lines as select transactions.*, loaded_on,"
            f" {rule.rejection_reason()} as reason"  # type: ignore[attr-defined]
            " from raw.transactions inner join raw.files using (file_id)"
        )
        return _previewed(con, source, files)


def _previewed(con: duckdb.DuckDBPyConnection, source: Source, files: list[str]) -> ReadFiles:
    """What the view `lines` holds."""
    (counts,) = con.execute(
        "select count(*), count(*) filter (reason is null),"
        " count(distinct customer_id) filter (reason is null),"
        " min(ordered_at) filter (reason is null)::date,"
        f" (select newest_date from ({_data_reach()})),"
        " sum(amount) filter (reason is null)::double from lines"
    ).fetchall()
    reasons = con.execute(
        "select reason, count(*) from lines where reason is not null"
        " group by reason order by count(*) desc, reason"
    ).fetchall()
    refused = dict(reasons)
    _refuse_unusable(counts[0], counts[1], refused, source)
    top = con.execute(
        "select customer_id, ordered_at, order_id, product_id, quantity, unit_price, amount"
        f" from lines order by file_id, file_row limit {SHOWN_ROWS}"
    ).fetchall()
    first_rows = [FirstRow(*row) for row in top]
    return ReadFiles(*counts, files=files, refused=refused, first_rows=first_rows)


def _data_reach() -> str:
    """SQL of how far the data of the view `lines` reaches, by the rule that `load` goes by."""
    days = (
        "(select ordered_at::date as activity_date, count(distinct customer_id) as row_count"
        " from lines where reason is null group by all)"
    )
    rule = jinja2.Environment().from_string(LONE_DAY_RULE.read_text(encoding="utf-8")).module
    return rule.lone_last_day(days)  # type: ignore[attr-defined]


def _refuse_unusable(rows: int, usable: int, refused: dict[str, int], source: Source) -> None:
    """Raises DataNotReadyError where `load` would, with the same limit."""
    if not usable or rows - usable > source.max_rejected_share * rows:
        worst = ", ".join(f"{reason}: {count:,}" for reason, count in refused.items())
        raise DataNotReadyError(
            f"{rows - usable:,} of {rows:,} rows would be refused ({worst}), nothing was written",
            f"check the columns: {_pairs(source.columns.delivered())}",
        )


def _pairs(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{ours} = {yours}" for ours, yours in columns.items())


# The config


def _template(home: Home) -> str:
    path = home.config if home.config.exists() else TEMPLATE
    return path.read_text(encoding="utf-8")


def config_text(template: str, source: Source) -> str:
    """`template` with another source section; comments and all other sections stay."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    config = yaml.load(template)
    section, said = config["source"], source.model_dump(exclude={"columns", "max_rejected_share"})
    if said["money_decimals"] == USUAL_DECIMALS and "money_decimals" not in section:
        del said["money_decimals"]
    for key, value in said.items():
        if key in section or value is not None:
            section[key] = value
    columns = source.columns.model_dump()
    for ours, yours in columns.items():
        if yours is not None:
            section["columns"][ours] = yours
        else:
            section["columns"].pop(ours, None)
    text = io.StringIO()
    yaml.dump(config, text)
    return text.getvalue()
