"""Delivered files into the warehouse. Owns the tables of schema `raw`.

A file is known by its content: the same bytes are loaded once, whatever their name; a file that
was replaced or removed takes its rows with it. Which rows are refused, and why, is decided in the
staging models.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import duckdb

from ml.delivery.batches import in_batches, opened_together
from ml.delivery.converted_files import ConversionError
from ml.delivery.encodings import EmptyFileError
from ml.delivery.line_values import customer_cells, left_out_lines, lines
from ml.delivery.opened_file import (
    UNREADABLE,
    OpenFile,
    columns_beside,
    delimiter_of,
    read_file,
    reason_of,
)
from ml.delivery.ragged_lines import keep_ragged_lines
from ml.delivery.readable_files import ReadableFile, readable
from ml.delivery.source_files import (
    SourceFile,
    files_to_read,
    identity,
    members_not_read,
    source_files,
)
from ml.delivery.text_layout import is_data
from ml.delivery.tombstones import (
    Tombstones,
    create_tables,
    read_tombstones,
    write_tombstones,
)
from ml.home.config import Source
from ml.home.errors import DataNotReadyError
from ml.home.layout import Home
from ml.warehouse.left_out import left_out
from ml.warehouse.money_types import set_money_decimals
from ml.warehouse.queries import Queries
from ml.warehouse.tables import add_raw_columns, has_table

READING_VERSION = 6
FEW_FILES = 10

QUERIES = Queries(__file__)


@dataclass(frozen=True)
class LoadResult:
    """Names of the files a load took in, and of those whose rows it took out.

    files_without_rows: of the files taken in those that hold no row. files_with_same_bytes: files
    that are not read, because another one (the value) has the same bytes. reading_notes: what was
    done with files besides reading them, such as lines that are skipped before a header.
    """

    files_loaded: list[str]
    files_removed: list[str]
    files_without_rows: list[str]
    files_with_same_bytes: dict[str, str]
    reading_notes: list[str]


@dataclass(frozen=True)
class Contents:
    """The config's files by what they are known by; of equal files the first by name.

    twins: names of the others, to the name of the one that is read.
    """

    files: dict[str, SourceFile]
    twins: dict[str, str]


def is_up_to_date(
    con: duckdb.DuckDBPyConnection, home: Home, source: Source, contents: Contents | None = None
) -> bool:
    """Whether `raw` holds exactly the rows of the config's files."""
    if not has_table(con, "raw.files"):
        return False
    wanted = contents or contents_of(home, source)
    return set(wanted.files) == set(_current(con, source)) and not _read_otherwise(con, source)


def load_files(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    source: Source,
    progress: Callable[[str], None] = lambda _: None,
    contents: Contents | None = None,
) -> LoadResult:
    """Bring `raw` in line with the files of the config.

    Raises CallError for a missing file or column, DataNotReadyError for a file that cannot be read,
    and when no file holds a row; both name it.
    """
    con.execute(QUERIES["raw_tables"])
    add_raw_columns(con)
    create_tables(con)
    con.execute("set timezone = 'UTC'")
    wanted, current = contents or contents_of(home, source), _current(con, source)
    load_id, tombstones = _next(con, "load_id"), read_tombstones(home)
    if load_id == 1:
        tombstones.mark_applied(con)
    kept = [file_id for content, file_id in current.items() if content in wanted.files]
    removed = _remove_others(con, kept, load_id)
    set_money_decimals(con, source.money_decimals)
    new = {content: file for content, file in wanted.files.items() if content not in current}
    today = datetime.now(ZoneInfo(source.timezone)).date()
    loading = Loading(con, home, source, load_id, tombstones, progress, today)
    loading.load_all(
        [
            NewFile(file, content, file_id)
            for file_id, (content, file) in enumerate(new.items(), _next(con, "file_id"))
        ]
    )
    if source.columns.parent_order_id is not None:
        _name_refunds(con, load_id)
        loading.leave_out_refunds()
    _require_rows(con, [file.name(home) for file in wanted.files.values()])
    return LoadResult(
        [file.name(home) for file in new.values()],
        removed,
        sorted(loading.without_rows),
        wanted.twins,
        _said_once(loading.notes, _not_read(home, new.values())),
    )


def contents_of(home: Home, source: Source) -> Contents:
    """What the globs of the config name. Raises as source_files() and files_to_read() do."""
    files, twins = dict[str, SourceFile](), dict[str, str]()
    for file in files_to_read(home, source_files(home, source)):
        first = files.setdefault(identity(file, used_of_path(file, source)), file)
        if first is not file:
            twins[file.name(home)] = first.name(home)
    return Contents(files, twins)


def said_of_files(loaded: LoadResult) -> list[str]:
    """What to know of files that were not read plainly, in words; of many names the first three."""
    said = list(loaded.reading_notes)
    if loaded.files_without_rows:
        names = loaded.files_without_rows
        said.append(f"{len(names)} file(s) hold no rows and are skipped: {_few(names)}")
    if loaded.files_with_same_bytes:
        pairs = [f"{name} = {first}" for name, first in loaded.files_with_same_bytes.items()]
        said.append(
            f"{len(pairs)} file(s) have the same bytes as another and are read once: {_few(pairs)}"
        )
    return said


def _few(names: list[str]) -> str:
    more = f", and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def used_of_path(file: SourceFile, source: Source) -> set[str]:
    """The columns of the file that are read from its path: mapped, and not in the file itself."""
    mapped = set(file.of_path) & source.names_read
    mapped.discard(source.columns.customer_id)
    return mapped - columns_beside(file, source.encoding) if mapped else set()


def header_names(file: SourceFile, source: Source) -> set[str]:
    """The mapped columns that the header of the file has to have."""
    return source.names_read - set(file.of_path)


def _require_rows(con: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    """Raises DataNotReadyError when no current file holds a row, of forgotten customers neither."""
    (rows,) = con.execute(
        "select coalesce(sum(row_count), 0) + coalesce((select sum(line_count)"
        " from raw.forgotten_lines), 0) from raw.files where is_current"
    ).fetchone() or (0,)
    if not rows and (left := left_out(con)):
        values = ", ".join(
            f"{one.column_name} is {one.value or 'empty'} {one.line_count:,}" for one in left[:5]
        )
        raise DataNotReadyError(
            f"source.keep and source.drop leave out all lines ({values})",
            "name values that lines have",
        )
    if not rows:
        others = f" and {len(names) - 1} other file(s) hold" if len(names) > 1 else " holds"
        raise DataNotReadyError(f"{names[0]}{others} no rows", "deliver a file with rows")


def _not_read(home: Home, files: Iterable[SourceFile]) -> list[tuple[str, str]]:
    """Of archives the members that are of no kind that is read."""
    archives = dict.fromkeys(file.path for file in files if file.member)
    left = {path: members_not_read(path) for path in archives}
    return [
        (home.relative(path), f"not read in it: {', '.join(names)}")
        for path, names in left.items()
        if names
    ]


def _said_once(*notes: list[tuple[str, str]]) -> list[str]:
    """Notes of files in words; what is true of several is said once, with the first name."""
    names: dict[str, list[str]] = {}
    for name, note in chain(*notes):
        names.setdefault(note, []).append(name)
    return [
        f"{files[0]}{f' and {len(files) - 1} more' if len(files) > 1 else ''}: {note}"
        for note, files in names.items()
    ]


def _reading_sha256(source: Source) -> str:
    """A hash that changes when the same bytes would give other rows."""
    settings = source.model_dump(exclude={"files", "layout", "currency", "max_rejected_share"})
    if source.columns.currency is not None:
        settings["currency"] = source.currency
    text = json.dumps([READING_VERSION, settings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _current(con: duckdb.DuckDBPyConnection, source: Source) -> dict[str, int]:
    """sha256 to file_id of the files whose rows are in `raw` as the config reads them."""
    return dict(
        con.execute(
            "select content_sha256, file_id from raw.files where is_current and reading_sha256 = ?",
            [_reading_sha256(source)],
        ).fetchall()
    )


def _read_otherwise(con: duckdb.DuckDBPyConnection, source: Source) -> bool:
    """Whether rows stand in `raw` that were read in another way."""
    other = con.execute(
        "select 1 from raw.files where is_current and reading_sha256 <> ? limit 1",
        [_reading_sha256(source)],
    ).fetchone()
    return other is not None


def _next(con: duckdb.DuckDBPyConnection, column: str) -> int:
    (last,) = con.execute(f"select coalesce(max({column}), 0) from raw.files").fetchone() or (0,)
    return int(last) + 1


def _remove_others(con: duckdb.DuckDBPyConnection, kept: list[int], load_id: int) -> list[str]:
    """Take out the rows of current files that are not kept; their days must be built again."""
    gone = con.execute(
        "update raw.files set is_current = false, load_id = ?"
        " where is_current and not list_contains(?::integer[], file_id)"
        " returning file_id, file_name",
        [load_id, kept],
    ).fetchall()
    for file_id, _ in gone:
        con.execute("delete from raw.transactions where file_id = ?", [file_id])
        con.execute("delete from raw.left_out_lines where file_id = ?", [file_id])
    return [name for _, name in gone]


def _name_refunds(con: duckdb.DuckDBPyConnection, load_id: int) -> None:
    """Give lines that name their parent order its customer; their days must be built again."""
    con.execute(QUERIES["parent_orders"])
    con.execute(QUERIES["name_refunds"])
    con.execute(
        "update raw.files set load_id = ? where is_current"
        " and file_id in (select file_id from parent_orders)",
        [load_id],
    )


@dataclass(frozen=True)
class NewFile:
    """A file to take in: what it is known by, and its number in the warehouse."""

    file: SourceFile
    content: str
    file_id: int


@dataclass(frozen=True)
class Loading:
    """A load at work: where to, how files are read, who is left out; and what is said of files."""

    con: duckdb.DuckDBPyConnection
    home: Home
    source: Source
    load_id: int
    tombstones: Tombstones
    progress: Callable[[str], None]
    today: date
    without_rows: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    orders_of_forgotten: set[str] = field(default_factory=set)

    def load_all(self, files: list[NewFile]) -> None:
        """Take in files, small ones of one shape together. Raises as load() does."""
        names = self.source.names_read
        for batch in in_batches(files, lambda new: new.file, self.source.encoding, names):
            self._load_batch(batch)

    def _load_batch(self, files: list[NewFile]) -> None:
        """Take in files of one shape; those that cannot be read together by halves, few alone."""
        if len(files) > 1 and self._load_together(files):
            return
        if len(files) > FEW_FILES:
            half = len(files) // 2
            self._load_batch(files[:half])
            self._load_batch(files[half:])
            return
        for new in files:
            self.load(new)

    def load(self, new: NewFile) -> None:
        """Take in one file. Raises CallError and DataNotReadyError that name it."""
        file, file_id, name = new.file, new.file_id, new.file.name(self.home)
        self.progress(f"loading {name}")
        names = header_names(file, self.source)
        try:
            with readable(file, self.source.encoding, self.home.build, names) as text:
                forgotten = self._rows_of(text, name, file_id)
                self.say(name, text.notes)
        except EmptyFileError:
            forgotten = 0
        except UNREADABLE as error:
            raise _not_readable(name, self.source, error) from None
        self._enter([new], left_out=forgotten)
        if forgotten:
            self.con.execute("insert into raw.forgotten_lines values (?, ?)", [file_id, forgotten])

    def _load_together(self, files: list[NewFile]) -> bool:
        """Take in files of one shape; False, and nothing is changed, where one has to be alone."""
        delivered = [new.file for new in files]
        inserts = list[tuple[str, list[object]]]()
        try:
            for file, places in opened_together(self.con, self.source, delivered):
                if not self.source.names_read <= set(file.types):
                    return False
                if self._forgotten_in(file):
                    return False
                values = [file.parameter, [files[place].file_id for place in places]]
                rows = lines(file, self.source, 0, self.today)
                inserts.append((f"raw.transactions by name {rows}", values))
                if self.source.is_filtered:
                    left = left_out_lines(file, self.source, 0)
                    inserts.append((f"raw.left_out_lines {left}", values))
            self._insert_all(inserts)
        except UNREADABLE:  # read alone, the file that is meant is named, or read as ragged
            return False
        for new in files if inserts else []:
            self.progress(f"loading {new.file.name(self.home)}")
        if inserts:
            self._enter(files)
        return bool(inserts)

    def _insert_all(self, inserts: list[tuple[str, list[object]]]) -> None:
        """Rows of several statements (a table and SQL) into their tables, all or none."""
        self.con.execute("set preserve_insertion_order = true")
        self.con.begin()
        try:
            for sql, values in inserts:
                self.con.execute(f"insert into {sql}", values)
            self.con.commit()
        except BaseException:
            self.con.rollback()
            raise

    def say(self, name: str, notes: Iterable[str]) -> None:
        for note in notes:
            self.progress(f"{name}: {note}")
            self.notes.append((name, note))

    def _rows_of(self, text: ReadableFile, name: str, file_id: int) -> int:
        """Rows of a file into raw.transactions; returns how many of forgotten customers it left."""

        def insert(file: OpenFile) -> int:
            if _is_empty(self.con, file, self.source):
                return 0
            file.check_columns(self.source, name)
            forgotten = self._insert(file, file_id)
            left_out = forgotten + self._leave_out(file, file_id)
            if file.is_ragged:
                delimiter, before = delimiter_of(file.path), file.lines_before
                keep_ragged_lines(self.con, file_id, file.path, delimiter, name, left_out, before)
            return forgotten

        return read_file(self.con, self.source, text, insert)

    def _forgotten_in(self, file: OpenFile) -> list[str]:
        """Customers in the file who were forgotten."""
        customers = customer_cells(file, self.source)
        if customers is None:
            return []
        return list(self.tombstones.ids_among(self.con, customers, [file.parameter]))

    def _insert(self, file: OpenFile, file_id: int) -> int:
        """Rows of a file into raw.transactions; how many of forgotten customers it left out."""
        values: list[object] = [file.parameter]
        read, left = lines(file, self.source, file_id, self.today), 0
        if forgotten := self._forgotten_in(file):
            # rows are left out before they are written: free pages would keep them
            self._list_rows(file, forgotten)
            theirs = "(select file_row from rows_of_forgotten)"
            (left,) = self.con.execute(
                f"select count(*) from ({read}) where file_row in {theirs}", values
            ).fetchone() or (0,)
            read = f"select * from ({read}) where file_row not in {theirs}"
        # rows of parquet files carry their number: they may come in any order, which is cheaper
        self.con.execute(f"set preserve_insertion_order = {not file.carries_row_numbers}")
        self.con.execute(f"insert into raw.transactions by name {read}", values)
        return int(left)

    def _list_rows(self, file: OpenFile, customers: list[str]) -> None:
        """Make the table rows_of_forgotten of a file, and remember the orders in them.

        A refund that has the id of one of the customers is theirs, whatever order it names.
        """
        self.con.execute(
            "create or replace temporary table rows_of_forgotten as select file_row, order_id,"
            f" parent_order_id from ({customer_cells(file, self.source)}) where customer_id in $2",
            [file.parameter, customers],
        )
        orders = self.con.execute(
            "select distinct order_id from rows_of_forgotten"
            " where parent_order_id is null and order_id is not null"
        ).fetchall()
        self.orders_of_forgotten.update(order for (order,) in orders)

    def leave_out_refunds(self) -> None:
        """Take out refunds of forgotten customers: they name an order of which no line counts."""
        if self.orders_of_forgotten:
            write_tombstones(self.home, self.tombstones.with_orders(self.orders_of_forgotten))
        known = self.tombstones.orders_among(
            self.con,
            "select distinct parent_order_id as order_id from raw.transactions"
            " where parent_order_id is not null and customer_id is null",
        )
        self.con.execute(
            "create or replace temporary table orders_of_forgotten as"
            " select unnest($1::varchar[]) as order_id",
            [list(known | self.orders_of_forgotten)],
        )
        self.con.execute(QUERIES["leave_out_refunds"])

    def _leave_out(self, file: OpenFile, file_id: int) -> int:
        """Count what keep and drop leave out of a file, by value; returns the lines."""
        if not self.source.is_filtered:
            return 0
        left = left_out_lines(file, self.source, file_id)
        self.con.execute(f"insert into raw.left_out_lines {left}", [file.parameter])
        (count,) = self.con.execute(
            "select coalesce(sum(line_count), 0) from raw.left_out_lines where file_id = ?",
            [file_id],
        ).fetchone() or (0,)
        return int(count)

    def _enter(self, files: list[NewFile], left_out: int = 0) -> None:
        """Enter files into raw.files, with what their rows say.

        left_out: rows of forgotten customers, which are none of them.
        """
        names = {new.file_id: new.file.name(self.home) for new in files}
        entered = self.con.execute(
            QUERIES["enter_files"],
            {
                "file_ids": list(names),
                "file_names": list(names.values()),
                "contents": [new.content for new in files],
                "reading": _reading_sha256(self.source),
                "today": self.today,
                "currency": self.source.currency,
                "load_number": self.load_id,
            },
        ).fetchall()
        for file_id, rows in entered:
            if not rows and not left_out:
                self.without_rows.append(names[file_id])
                self.progress(f"{names[file_id]}: holds no rows, skipped")


def _is_empty(con: duckdb.DuckDBPyConnection, file: OpenFile, source: Source) -> bool:
    """Whether a file without the mapped columns holds nothing: no row, and no data as its header.

    Programs write such files for days without sales.
    """
    is_whole = source.names_read <= set(file.types)
    if is_whole or file.is_ragged or any(map(is_data, file.types)):
        return False
    return not con.execute(f"select 1 from {file.reader} limit 1", [file.parameter]).fetchall()


def check_file(
    con: duckdb.DuckDBPyConnection, home: Home, source: Source, file: SourceFile
) -> None:
    """Read the header of a delivered file.

    Raises CallError for a missing column, DataNotReadyError for a file that cannot be read.
    """
    name, names = file.name(home), header_names(file, source)

    def check(opened: OpenFile) -> None:
        if not _is_empty(con, opened, source):
            opened.check_columns(source, name)

    try:
        with (
            TemporaryDirectory() as folder,
            readable(file, source.encoding, Path(folder), names) as text,
        ):
            read_file(con, source, text, check)
    except EmptyFileError:
        return
    except UNREADABLE as error:
        raise _not_readable(name, source, error) from None


def _not_readable(name: str, source: Source, error: Exception) -> DataNotReadyError:
    reason = reason_of(error)
    if isinstance(error, ConversionError):
        return DataNotReadyError(f"{name}: cannot be read ({reason})", "deliver the file again")
    return DataNotReadyError(
        f"{name}: cannot be read ({reason})",
        f"deliver the file again, in UTF-8 or in the encoding of source.encoding "
        f"({source.encoding})",
    )
