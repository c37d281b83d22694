"""Checks of the marts: no row twice, no batch that is hollow, and all of them say the same."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
from ruamel.yaml import YAML

from ml.health.findings import Examined, Finding, NotCheckedError, broken, ok
from ml.health.warehouse_checks import opened
from ml.ledger import manifest
from ml.warehouse.dbt_project import PROJECT
from ml.warehouse.queries import Queries
from ml.warehouse.tables import has_column, records, tables
from ml.warehouse.views import missing_views

QUERIES = Queries(__file__)
TEXTS = PROJECT / "models" / "marts"


def marts(examined: Examined) -> Iterator[Finding]:
    """Keys, numbers of customers and predictions of every batch agree in all marts."""
    with opened(examined.home) as con:
        if missing_views(con):
            raise NotCheckedError("the next command brings the warehouse to this version first")
        there = tables(con)
        if "marts.clv_batches" not in there:
            raise NotCheckedError("there is no batch yet")
        yield from _doubled(con, examined, there)
        yield from _incomplete(con, examined, QUERIES["batch_counts"])
        if "marts.drift_report" in there:
            yield from _incomplete(con, examined, QUERIES["measured_windows"])
            yield from _differing(con, examined)
    yield ok("every batch is complete, and no mart has a row twice")


def keys() -> dict[str, list[str]]:
    """The columns that identify a row of a mart, as its data tests say, by schema.table."""
    found = {}
    for path in sorted(TEXTS.rglob("*.yml")):
        for model in YAML(typ="safe").load(path).get("models", []):
            found[f"marts.{model['name']}"] = _key(model)
    return found


def _key(model: dict[str, Any]) -> list[str]:
    for test in model.get("data_tests", []):
        if isinstance(test, dict) and "unique_combination" in test:
            return list(test["unique_combination"]["arguments"]["columns"])
    return [
        column["name"] for column in model["columns"] if "unique" in column.get("data_tests", [])
    ]


def _doubled(
    con: duckdb.DuckDBPyConnection, examined: Examined, there: set[str]
) -> Iterator[Finding]:
    """Marts that have two rows with one key, batch by batch."""
    for table, key in keys().items():
        if table not in there or not all(has_column(con, table, column) for column in key):
            continue
        batch = [column for column in ("cutoff", "model_id") if column in key]
        chosen = ", ".join(key)
        doubled = records(
            con,
            f"select {', '.join([*batch, 'count(*) as doubled'])} from"
            f" (select {chosen} from {table} group by {chosen} having count(*) > 1)"
            f" group by all order by all",
        )
        for row in doubled:
            if row["doubled"]:
                where = f" of cutoff {row['cutoff']}" if batch else ""
                yield broken(
                    f"{table.removeprefix('marts.')}: {row['doubled']:,} row(s){where} are there "
                    "more than once",
                    _remedy(examined, row.get("cutoff"), row.get("model_id")),
                )


def _incomplete(
    con: duckdb.DuckDBPyConnection, examined: Examined, query: str
) -> Iterator[Finding]:
    """Marts that have more or fewer customers of a batch than clv_batches says."""
    for row in records(con, query):
        expected = row["customers_of_batch"]
        said = "no such batch" if expected is None else f"{expected:,}"
        yield broken(
            f"{row['mart']}: {row['customers']:,} customer(s) of cutoff {row['cutoff']}, "
            f"clv_batches says {said}",
            _remedy(examined, row["cutoff"], row["model_id"]),
        )


def _differing(con: duckdb.DuckDBPyConnection, examined: Examined) -> Iterator[Finding]:
    """Marts that say another prediction than clv_predictions."""
    for row in records(con, QUERIES["other_predictions"]):
        yield broken(
            f"{row['mart']}: {row['customers']:,} customer(s) of cutoff {row['cutoff']} have "
            "another prediction than in clv_predictions",
            _remedy(examined, row["cutoff"], row["model_id"]),
        )


def _remedy(examined: Examined, cutoff: date | None, model_id: str | None) -> str:
    """What builds the batch again; an earlier champion has to serve once more for its own."""
    if cutoff is None:
        return examined.command("load")
    again = examined.command(f"run --cutoff {cutoff}")
    champion = manifest.champion(examined.home).model_id
    if model_id in {None, champion}:
        return again
    return (
        f"{examined.command(f'promote {model_id}')} && {again} && "
        f"{examined.command(f'promote {champion}')}"
    )
