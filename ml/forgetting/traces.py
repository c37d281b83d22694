"""Where forgotten customers still are: delivered files, tables, outputs. Reads, never writes."""

import mmap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow.parquet as pq

from ml.delivery.encodings import EmptyFileError
from ml.delivery.file_kinds import PARQUET, is_beside_data, kind_of
from ml.delivery.line_values import customer_cells
from ml.delivery.load import header_names, used_of_path
from ml.delivery.opened_file import (
    UNREADABLE,
    OpenFile,
    as_no_pattern,
    delimiter_of,
    read_file,
)
from ml.delivery.readable_files import ReadableFile, readable
from ml.delivery.source_files import SourceFile, files_to_read, identity, source_files
from ml.delivery.tombstones import Tombstones
from ml.forgetting import redaction
from ml.home.config import Source
from ml.home.errors import CallError, DataNotReadyError
from ml.home.layout import Home
from ml.warehouse.queries import Queries
from ml.warehouse.side_copy import open_warehouse
from ml.warehouse.tables import has_column

QUERIES = Queries(__file__)
LINES = '"raw"."transactions"'
EXPORTED = (".parquet", ".csv", ".csv.gz")


@dataclass(frozen=True)
class DeliveredFile:
    """A delivered file that holds forgotten customers.

    of_path: columns that are read from its path; identity: what a load knows it by; names: columns
    of its header; rows: 1-based numbers of their rows; customers: their ids as a load reads them;
    cells: columns and their texts in the file by which rows are theirs, the id of the customer and
    the order that a refund names; columns: all; delimiter: of a text; row_count: of all rows.
    """

    file: SourceFile
    of_path: set[str]
    identity: str
    names: set[str]
    rows: list[int]
    customers: list[str]
    cells: dict[str, set[str]]
    columns: list[str]
    delimiter: str
    row_count: int
    encoding: str
    is_ragged: bool

    @property
    def path(self) -> Path:
        return self.file.path

    @property
    def cells_by_position(self) -> dict[int, set[str]]:
        return {self.columns.index(column): texts for column, texts in self.cells.items()}

    @property
    def holds_only_them(self) -> bool:
        return len(self.rows) == self.row_count and not self.is_ragged


@dataclass(frozen=True)
class Traces:
    """Rows of forgotten customers, by place; `outside` are files that are not the home's.

    orders: theirs, where refunds name their orders. not_searched: files in warehouse/raw without
    the column that is mapped to customer_id.
    """

    customers: set[str]
    orders: set[str]
    files: list[DeliveredFile]
    outside: list[DeliveredFile]
    not_searched: list[str]
    tables: dict[str, int]
    outputs: dict[Path, int]

    @property
    def is_empty(self) -> bool:
        """Whether the home holds none of them."""
        return not (self.files or self.tables or self.outputs)


def find_traces(
    home: Home, source: Source, tombstones: Tombstones, customer_ids: Iterable[str] = ()
) -> Traces:
    """Where the forgotten customers are; outputs are also searched for `customer_ids`.

    Raises DataNotReadyError when a delivered file cannot be searched.
    """
    orders = set[str]()
    if source.columns.parent_order_id is not None:
        orders = _orders(home, source, tombstones)
    files, outside, not_searched = _in_files(home, source, tombstones, orders)
    with open_warehouse(home) as con:
        names = customer_tables(con)
        everybody = " union all ".join(
            f"select distinct customer_id, customer_id as delivered_text from {name}"
            for name in names
        )
        customers = set(tombstones.ids_among(con, everybody, [])) if names else set[str]()
        tables = {name: _count(con, name, customers) for name in names}
        tables[LINES] = tables.get(LINES, 0) + _count_refunds(con, orders)
    for file in [*files, *outside]:
        customers.update(file.customers)
    searched = customers | set(customer_ids)
    outputs = {path: rows_in_output(path, searched) for path in output_files(home)}
    return Traces(
        customers,
        orders,
        files,
        outside,
        not_searched,
        {name: count for name, count in tables.items() if count},
        {path: count for path, count in outputs.items() if count},
    )


def customer_tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Every table with a column customer_id, as quoted schema.table."""
    rows = con.execute(
        'select format(\'"{}"."{}"\', tables.schema_name, tables.table_name)'
        " from duckdb_tables() as tables inner join duckdb_columns() as columns"
        " on tables.database_oid = columns.database_oid and tables.table_oid = columns.table_oid"
        " where columns.column_name = 'customer_id' and not tables.temporary order by 1"
    ).fetchall()
    return [name for (name,) in rows]


def _count(con: duckdb.DuckDBPyConnection, table: str, customers: Iterable[str]) -> int:
    counted = con.execute(
        f"select count(*) from {table} where customer_id in $1", [list(customers)]
    )
    (rows,) = counted.fetchone() or (0,)
    return int(rows)


def _count_refunds(con: duckdb.DuckDBPyConnection, orders: set[str]) -> int:
    """Refunds of the orders that belong to no customer, because no line of the order counts."""
    if not orders or not has_column(con, "raw.transactions", "delivered"):
        return 0
    counted = con.execute(
        "select count(*) from raw.transactions"
        " where customer_id is null and parent_order_id in (select unnest($1::varchar[]))",
        [list(orders)],
    )
    (rows,) = counted.fetchone() or (0,)
    return int(rows)


def _orders(home: Home, source: Source, tombstones: Tombstones) -> set[str]:
    """Orders of the forgotten customers, in files and warehouse.

    Raises DataNotReadyError when a delivered file cannot be searched.
    """
    in_files = set[str]()
    with duckdb.connect(config={"temp_directory": str(home.build)}) as files:

        def look(opened: OpenFile) -> None:
            if lines := customer_cells(opened, source):
                customers = list(tombstones.ids_among(files, lines, [opened.parameter]))
                found = files.execute(
                    f"select distinct order_id from ({lines})"
                    " where customer_id in (select unnest($2::varchar[]))"
                    " and parent_order_id is null and order_id is not null",
                    [opened.parameter, customers],
                )
                in_files.update(order for (order,) in found.fetchall())

        for file in files_to_read(home, _delivered(home, source)):
            with _searching(home, file), _opened_text(source, file) as text:
                read_file(files, source, text, look)
    return _owned(home, tombstones, in_files)


def _owned(home: Home, tombstones: Tombstones, in_files: set[str]) -> set[str]:
    """Orders of the forgotten customers in the warehouse, and those in files that it lacks."""
    with open_warehouse(home) as con:
        if not has_column(con, "raw.transactions", "delivered"):
            return in_files
        ids = "select distinct customer_id, customer_id as delivered_text from raw.transactions"
        customers = list(tombstones.ids_among(con, ids, []))
        answer = con.execute(
            QUERIES["orders_of_forgotten"], {"customers": customers, "orders": list(in_files)}
        )
        return {order for (order,) in answer.fetchall()}


# Delivered files


@contextmanager
def _searching(home: Home, file: SourceFile) -> Iterator[None]:
    """Passes over an empty file. Raises DataNotReadyError for one that cannot be read."""
    try:
        yield
    except EmptyFileError:
        return
    except UNREADABLE:  # the reason may repeat values of the file
        raise DataNotReadyError(
            f"{file.name(home)}: cannot be searched for the customer, nothing was changed",
            "deliver the file again or remove it, then run `forget` again",
        ) from None


@contextmanager
def _opened_text(source: Source, file: SourceFile) -> Iterator[ReadableFile]:
    with (
        TemporaryDirectory() as folder,
        readable(file, source.encoding, Path(folder), header_names(file, source)) as text,
    ):
        yield text


def _in_files(
    home: Home, source: Source, tombstones: Tombstones, orders: set[str]
) -> tuple[list[DeliveredFile], list[DeliveredFile], list[str]]:
    """Files with forgotten customers in the home, those outside, and files without customers."""
    ours, outside, not_searched = list[DeliveredFile](), list[DeliveredFile](), list[str]()
    with duckdb.connect(config={"temp_directory": str(home.build)}) as con:
        for file in files_to_read(home, _delivered(home, source)):
            with _searching(home, file), _opened_text(source, file) as text:
                find = partial(_in_open_file, con, source, file, tombstones, orders)
                columns, trace = read_file(con, source, text, find)
                if not columns:
                    not_searched.append(file.name(home))
                elif trace is not None:
                    is_ours = file.path.resolve().is_relative_to(home.root)
                    (ours if is_ours else outside).append(trace)
    return ours, outside, not_searched


def _delivered(home: Home, source: Source) -> list[Path]:
    """The config's files, and those in warehouse/raw that it no longer names."""
    try:
        of_config = source_files(home, source)
    except CallError:  # the files are gone; warehouse and outputs are still there
        of_config = []
    in_raw = [
        path
        for path in (home.warehouse / "raw").rglob("*")
        if path.is_file() and kind_of(path.name) and not is_beside_data(path.name)
    ]
    return sorted({*of_config, *in_raw})


def _rows_of_them(
    con: duckdb.DuckDBPyConnection, lines: str, values: list[object]
) -> list[tuple[int, str | None, str | None]]:
    """Rows of customers ($2) and of refunds of orders ($3), each with the texts that say so."""
    return con.execute(
        "select file_row, case when is_of_customer then delivered_text end,"
        " case when is_of_order then parent_text end from (select *,"
        " coalesce(customer_id in (select unnest($2::varchar[])), false) as is_of_customer,"
        " coalesce(parent_order_id in (select unnest($3::varchar[])), false) as is_of_order"
        f" from ({lines})) where is_of_customer or is_of_order",
        values,
    ).fetchall()


def _in_open_file(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    delivered: SourceFile,
    tombstones: Tombstones,
    orders: set[str],
    file: OpenFile,
) -> tuple[list[str], DeliveredFile | None]:
    """Columns of the file (none if it has no customers), and its trace if there is one."""
    lines, columns, values = customer_cells(file, source), list(file.types), [file.parameter]
    if lines is None:
        return [], None
    customers = list(tombstones.ids_among(con, lines, values))
    if not (customers or orders):
        return columns, None
    theirs = _rows_of_them(con, lines, [*values, customers, list(orders)])
    if not theirs:
        return columns, None
    (row_count,) = con.execute(f"select count(*) from ({lines})", values).fetchone() or (0,)
    of_path, parent = used_of_path(delivered, source), source.columns.parent_order_id
    cells = {source.columns.customer_id: {text for _, text, _ in theirs if text is not None}}
    if parent is not None and parent in columns:
        cells[parent] = {text for *_, text in theirs if text is not None}
    return columns, DeliveredFile(
        file=delivered,
        of_path=of_path,
        identity=identity(delivered, of_path),
        names=header_names(delivered, source),
        rows=[row for row, *_ in theirs],
        customers=customers,
        cells=cells,
        columns=columns,
        delimiter="" if delivered.kind == PARQUET else delimiter_of(file.path),
        row_count=row_count,
        encoding=source.encoding,
        is_ragged=file.is_ragged,
    )


# Outputs


def output_files(home: Home) -> Iterator[Path]:
    """The tables among the outputs."""
    return (path for path in sorted(home.outputs.rglob("*")) if path.name.endswith(EXPORTED))


def rows_in_output(path: Path, customers: Iterable[str]) -> int:
    """Rows of the customers in a file of the outputs, 0 where it has no column customer_id."""
    if path.suffix == ".parquet":
        return len(parquet_rows(path, customers))
    position, texts = position_in_output(path), as_exported(customers)
    if position is None or not (path.suffix == ".gz" or _holds_any(path, texts)):
        return 0
    return redaction.rows_in_csv(path, ",", position, texts)


def parquet_rows(path: Path, customers: Iterable[str]) -> list[int]:
    """0-based numbers of the customers' rows in a Parquet file of the outputs."""
    if "customer_id" not in pq.read_schema(path).names:
        return []
    with duckdb.connect() as con:
        rows = con.execute(
            "select file_row_number from read_parquet($1, hive_partitioning = false)"
            " where customer_id::varchar in $2",
            [as_no_pattern(path), list(customers)],
        ).fetchall()
    return [row for (row,) in rows]


def position_in_output(path: Path) -> int | None:
    """Place of the column customer_id in a CSV file of the outputs."""
    header = redaction.header_of(path)
    return header.index("customer_id") if "customer_id" in header else None


def as_exported(customers: Iterable[str]) -> set[str]:
    """The ids, plain and with the apostrophe that exports put before a formula."""
    return {text for customer in customers for text in (customer, f"'{customer}")}


def _holds_any(path: Path, texts: Iterable[str]) -> bool:
    """Whether the bytes of one of `texts`, with doubled quotes, are anywhere in the file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(text.replace('"', '""').encode()) >= 0 for text in texts)
