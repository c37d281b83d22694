"""`forget`: a customer leaves files, warehouse and outputs, and no load brings them back.

The order makes a killed command safe: the tombstone, the delivered files, a side copy of the
warehouse without the customer, the outputs, and last the rename that publishes the copy. Until
then the tombstone counts as not applied, and the next command that works in the home takes the
steps again. No id is written, printed or logged.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ml.delivery.encodings import text_layout
from ml.delivery.file_kinds import JSON_LINES, PARQUET, TEXT
from ml.delivery.line_values import customers_as_read
from ml.delivery.source_files import identity
from ml.delivery.spark_landing import landing_folder
from ml.delivery.tombstones import (
    Tombstones,
    create_tables,
    read_tombstones,
    write_tombstones,
)
from ml.forgetting import redaction
from ml.forgetting.traces import (
    DeliveredFile,
    Traces,
    as_exported,
    customer_tables,
    find_traces,
    output_files,
    parquet_rows,
    position_in_output,
    rows_in_output,
)
from ml.home.config import Source, load_config
from ml.home.errors import CallError, EngineError
from ml.home.files import sync_folder
from ml.home.layout import Home
from ml.ledger import manifest
from ml.report.report import report_page, write_report
from ml.warehouse.doubts import MART
from ml.warehouse.queries import Queries
from ml.warehouse.side_copy import locked, open_warehouse
from ml.warehouse.tables import add_raw_columns, has_table
from ml.warehouse.views import bring_over
from ml.warehouse.workbench import Workbench

Progress = Callable[[str], None]
QUERIES = Queries(__file__)


@dataclass(frozen=True)
class ForgetAnswer:
    """How many customers were forgotten, new ones among them, and rows by place; never an id.

    files, tables, outputs: rows that went, or with `dry_run` would go. files_outside: rows in files
    that are not the home's, which stay. files_not_searched: they have no column of customers.
    """

    customers: int
    new: int
    dry_run: bool
    files: dict[str, int]
    files_outside: dict[str, int]
    files_not_searched: list[str]
    tables: dict[str, int]
    outputs: dict[str, int]


def forget(
    home: Home, progress: Progress, customer_ids: list[str], *, dry_run: bool = False
) -> ForgetAnswer:
    """Take customers out of the home for good; with `dry_run` only count what would go.

    Ids are read as those of the files are, and matched exactly. Raises CallError when one of them
    is neither in the home nor forgotten before, DataNotReadyError when a file cannot be searched,
    EngineError when rows cannot be taken out of text in its encoding; nothing is changed then.
    """
    config = load_config(home)
    source, limit = config.source, config.resources.memory_limit
    if not customer_ids or not all(customer_ids):
        raise CallError(
            "no customer id was given", "write - and give the ids on stdin, one on each line"
        )
    if not dry_run:
        bring_over(home, progress, limit)
    with locked(home):
        manifest.heal(home)
        before = read_tombstones(home)
        ids = set(customers_as_read(source, customer_ids))
        spelled = ids | set(customer_ids)  # a warehouse of an earlier version has them as delivered
        after = before.buried(spelled)
        progress("searching files, warehouse and outputs")
        traces = find_traces(home, source, after, spelled)
        _refuse_unknown(home, before, traces, ids)
        _require_removable(home, traces)
        if not dry_run:
            after = after.with_orders(traces.orders)
            if after != before:
                write_tombstones(home, after)
            _erase(home, source, Workbench(home, progress, limit), after, traces)
    return ForgetAnswer(
        customers=len(ids),
        new=sum(not before.has(one) for one in ids),
        dry_run=dry_run,
        files={file.file.name(home): len(file.rows) for file in traces.files},
        files_outside={file.file.name(home): len(file.rows) for file in traces.outside},
        files_not_searched=traces.not_searched,
        tables={name.replace('"', ""): rows for name, rows in traces.tables.items()},
        outputs={home.relative(path): rows for path, rows in traces.outputs.items()},
    )


def finish_forgetting(home: Home, source: Source, bench: Workbench, progress: Progress) -> None:
    """Complete a `forget` that was killed or came after the backup in use. Needs the lock."""
    tombstones = read_tombstones(home)
    if tombstones.forgotten and home.database.exists():
        with open_warehouse(home) as con:
            left = tombstones.not_applied(con)
        if left:
            progress("completing what `forget` began")
            traces = find_traces(home, source, tombstones)
            _require_removable(home, traces)
            _erase(home, source, bench, tombstones, traces)


def _refuse_unknown(home: Home, before: Tombstones, traces: Traces, customer_ids: set[str]) -> None:
    """Raises CallError when an id is new and is nowhere in the home; the error does not name it."""
    exported = list(output_files(home))
    unknown = [
        one
        for one in customer_ids - traces.customers
        if not before.has(one) and not any(rows_in_output(path, [one]) for path in exported)
    ]
    if unknown:
        raise CallError(
            f"{len(unknown)} of {len(customer_ids)} customer id(s) are in no file, table or "
            f"output, nothing was changed",
            "write an id exactly as it is in the files",
        )


def _require_removable(home: Home, traces: Traces) -> None:
    """Raises EngineError that names a file whose rows cannot be taken out one by one."""
    for trace in traces.files:
        name, kind = trace.file.name(home), trace.file.kind
        if trace.file.member is not None:
            raise EngineError(
                f"{name}: single rows cannot be removed from an archive, nothing was changed",
                "deliver its files unpacked in place of the archive, then run `forget` again",
            )
        if trace.holds_only_them:
            continue
        if not kind.loses_rows:
            raise EngineError(
                f"{name}: single rows cannot be removed from a {kind.name}, nothing was changed",
                "remove them yourself, or deliver the rows as CSV, then run `forget` again",
            )
        if kind == TEXT:
            encoding = text_layout(trace.path, trace.encoding).encoding
            redaction.require_single_bytes(trace.path, encoding)


def _erase(
    home: Home, source: Source, bench: Workbench, tombstones: Tombstones, traces: Traces
) -> None:
    """Remove the customers from files, side copy and outputs, then publish the copy.

    A report that names one of them as a doubt goes before, and is written again afterwards.
    """
    is_named = _is_named_in_report(home, traces)
    # lines of a ragged file are numbered by a load alone: it is loaded again
    rewritten = {file.identity: file for file in traces.files if not file.is_ragged}
    for file in traces.files:
        _rewrite_file(file)
    if home.database.exists():
        with open_warehouse(home) as con:
            stale = bool(traces.tables or rewritten or tombstones.not_applied(con))
        if stale:
            _erase_from_warehouse(bench, tombstones, traces, rewritten)
    for path in traces.outputs:
        _rewrite_output(path, traces.customers)
    shutil.rmtree(landing_folder(home), ignore_errors=True)  # made again from the warehouse
    if is_named:
        report_page(home).unlink()
    if bench.side.is_open:
        bench.publish()
    if is_named:
        write_report(home, source.currency)


def _is_named_in_report(home: Home, traces: Traces) -> bool:
    """Whether there is a report, and a doubt of it shows the id of one of the customers."""
    with open_warehouse(home) as con:
        if not report_page(home).exists() or not has_table(con, MART):
            return False
        named = con.execute(
            f"select 1 from {MART} where list_contains(?::varchar[], example) limit 1",
            [list(traces.customers)],
        )
        return named.fetchone() is not None


def _rewrite_file(file: DeliveredFile) -> None:
    """Remove the rows; a file without other rows is removed, because no load would take it."""
    path = file.path
    if file.holds_only_them:
        path.unlink()
        sync_folder(path.parent)
    elif file.file.kind == PARQUET:
        redaction.take_out_of_parquet(path, [row - 1 for row in file.rows])
    elif file.file.kind == JSON_LINES:
        redaction.take_out_of_json_lines(path, file.cells)
    else:
        layout = text_layout(path, file.encoding, file.names)
        redaction.take_out_of_csv(path, file.delimiter, file.cells_by_position, layout)


def _rewrite_output(path: Path, customers: set[str]) -> None:
    if path.suffix == ".parquet":
        redaction.take_out_of_parquet(path, parquet_rows(path, customers))
    else:
        position = position_in_output(path)
        assert position is not None  # a trace was found in this column
        redaction.take_out_of_csv(path, ",", {position: as_exported(customers)})


# The warehouse


def _erase_from_warehouse(
    bench: Workbench,
    tombstones: Tombstones,
    traces: Traces,
    rewritten: dict[str, DeliveredFile],
) -> None:
    """Remove the customers from the side copy, from its free pages too."""
    with bench.side.connect() as con:
        create_tables(con)
        con.execute(
            "create temp table forgotten as select unnest(?::varchar[]) as customer_id",
            [list(traces.customers)],
        )
        is_changed = bool(traces.tables)
        if traces.tables or rewritten:
            is_changed |= _delete_lines(con, traces)
            _delete_rows(con)
            _follow_rewritten(con, rewritten)
        tombstones.mark_applied(con)
    if is_changed:
        bench.build("load")
    bench.side.rewrite()


def _delete_lines(con: duckdb.DuckDBPyConnection, traces: Traces) -> bool:
    """Delete delivered lines of `forgotten`, refunds of their orders too; whether there are any.

    Lines of a current file count as left out from now on, as after the next load of that file.
    """
    if not has_table(con, "raw.transactions"):
        return False
    add_raw_columns(con)
    con.execute(
        "create temp table forgotten_orders as select unnest(?::varchar[]) as order_id",
        [list(traces.orders)],
    )
    con.execute(
        "create temp table forgotten_rows (content_sha256 varchar, file_row bigint)",
    )
    for file in [*traces.files, *traces.outside]:
        if not file.is_ragged:  # a load numbers its lines otherwise
            con.execute(
                "insert into forgotten_rows select ?, unnest(?::bigint[])",
                [file.identity, file.rows],
            )
    con.execute(QUERIES["delete_delivered_lines"])
    return bool(con.execute("select 1 from gone_lines limit 1").fetchall())


def _delete_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Delete the rows of `forgotten` in all tables; the fingerprints of their days are built again.

    Needs the lines deleted before.
    """
    tables = customer_tables(con)
    if '"intermediate"."int_customer_days"' in tables:
        # without the customer's row the days are what the files say; what follows them follows
        con.execute(QUERIES["stamp_days"])
    if '"marts"."clv_predictions"' in tables:
        con.execute(QUERIES["count_who_is_left"])
    for table in tables:
        con.execute(f"delete from {table} where customer_id in (from forgotten)")


def _follow_rewritten(con: duckdb.DuckDBPyConnection, rewritten: dict[str, DeliveredFile]) -> None:
    """Update `raw` for the rewritten files: their new hash, and the new numbers of their rows."""
    for content, file in rewritten.items():
        known = con.execute(
            "select file_id from raw.files where is_current and content_sha256 = ?", [content]
        ).fetchall()
        for (file_id,) in known:
            con.execute("delete from raw.forgotten_lines where file_id = ?", [file_id])
            if file.holds_only_them:
                con.execute("update raw.files set is_current = false where file_id = ?", [file_id])
                continue
            con.execute(
                "update raw.files set content_sha256 = ? where file_id = ?",
                [identity(file.file, file.of_path), file_id],
            )
            con.execute(QUERIES["renumber_rows"], {"file_id": file_id, "gone": file.rows})
