"""Files of a batch: CSVs for people, and typed Parquet copies unless they are turned off."""

import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from batches import create_batches
from conftest import CUTOFF, PRED_MONTHS, REPOSITORY, EngineHome

from ml.home.layout import Home
from ml.ledger.retention import purge
from ml.warehouse import exports
from ml.warehouse.exports import EXPORTED, PARQUET, Batch

HOSTILE = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
def copied_home(
    scored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory
) -> tuple[EngineHome, dict[str, str], list[str]]:
    """A home of an earlier version, with CSVs alone: its state, and what the next `run` wrote.

    Its config says nothing of copies.
    """
    home = scored_home.copy(tmp_path_factory.mktemp("exports") / "home")
    home.configure(r"^exports:\n  parquet: true.*\n", "")
    for path in home.outputs.glob("*.parquet"):
        path.unlink()
    before = home.state()
    return home, before, home.call("run").result["exports"]


def table(path: Path) -> duckdb.DuckDBPyRelation:
    return duckdb.read_parquet(str(path))


def measured_warehouse(home: Home, cutoff: date, actual: str) -> Batch:
    """Marts of one measured batch of one customer whose name is a formula."""
    shutil.rmtree(home.warehouse, ignore_errors=True)
    home.warehouse.mkdir(parents=True)
    row = f"'{HOSTILE}' as customer_id, date '{cutoff}' as cutoff, 'M' as model_id"
    with duckdb.connect(home.database) as con:
        create_batches(con, date(2022, 8, 31))
        for mart, order in (EXPORTED | exports.MEASURED).items():
            more = "" if order == "customer_id" else f", 1 as {order}"
            con.execute(
                f"create table marts.{mart} as"
                f" select {row}{more}, {actual}::decimal(18, 4) as actual_clv"
            )
        con.execute(
            f"insert into marts.clv_batches by name select date '{cutoff}' as cutoff,"
            " 3 as pred_months, 'M' as model_id, 'champion' as role,"
            " date '2020-08-31' as window_end"
        )
        con.execute("insert into marts.champion_manifest values ('M', 1)")
        con.execute(
            "create table marts.drift_report as select cutoff, model_id from marts.clv_batches"
        )
    return Batch(cutoff, 3, "M")


def write(home: Home, batch: Batch, *, parquet: bool) -> list[str]:
    with duckdb.connect(home.database, read_only=True) as con:
        written = exports.export_batch(con, home, batch, parquet=parquet)
    return [path.name for path in written]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of the repository's config, without warehouse."""
    (tmp_path / "config").mkdir()
    shutil.copy(REPOSITORY / "config" / "model_config.yaml", tmp_path / "config")
    return Home(tmp_path)


def test_a_home_that_says_nothing_of_copies_gets_one_of_every_csv_and_nothing_else_changes(
    copied_home: tuple[EngineHome, dict[str, str], list[str]],
):
    home, before, written = copied_home
    csvs = {path.with_suffix(PARQUET) for path in home.outputs.glob("*.csv")}
    assert len(csvs) == 2 * len(EXPORTED)
    assert {home.root / name for name in written} == csvs
    after = {name: found for name, found in home.state().items() if not name.endswith(PARQUET)}
    assert before == after
    assert not list(home.outputs.glob(".*"))


def test_a_second_run_writes_no_copy_again(
    copied_home: tuple[EngineHome, dict[str, str], list[str]],
):
    home, _, _ = copied_home
    copies = {path: path.stat().st_mtime_ns for path in home.outputs.glob("*.parquet")}
    assert home.call("run").result["exports"] == []
    assert {path: path.stat().st_mtime_ns for path in home.outputs.glob("*.parquet")} == copies


def test_a_forgotten_customer_leaves_the_copies(
    copied_home: tuple[EngineHome, dict[str, str], list[str]], tmp_path: Path
):
    home = copied_home[0].copy(tmp_path / "home")
    ((customer,),) = home.rows("select min(customer_id) from marts.clv_predictions")
    name = f"warehouse/outputs/clv_predictions_{CUTOFF}_pred{PRED_MONTHS}m"
    ids = f"select customer_id from '{home.root / name}{PARQUET}'"
    assert (customer,) in duckdb.sql(ids).fetchall()
    answer = home.call("forget", customer).result
    assert answer["outputs"][f"{name}{PARQUET}"] == answer["outputs"][f"{name}.csv"] == 1
    csv = f"select customer_id from read_csv('{home.root / name}.csv', all_varchar = true)"
    assert duckdb.sql(ids).fetchall() == duckdb.sql(csv).fetchall()
    assert (customer,) not in duckdb.sql(ids).fetchall()
    assert home.call("run").result["exports"] == []


def test_turned_off_a_run_writes_csv_files_alone(scored_home: EngineHome, tmp_path: Path):
    home = scored_home.copy(tmp_path / "home")
    home.configure("^  parquet: true", "  parquet: false")
    for path in home.outputs.glob(f"*_{CUTOFF}_*"):
        path.unlink()
    written = home.call("run").result["exports"]
    assert len(written) == len(EXPORTED)
    assert {Path(name).suffix for name in written} == {".csv"}


@pytest.mark.parametrize("mart", EXPORTED)
def test_a_copy_has_the_types_and_the_rows_of_its_mart(
    copied_home: tuple[EngineHome, dict[str, str], list[str]], mart: str
):
    home, _, _ = copied_home
    copy = table(home.outputs / f"{mart}_{CUTOFF}_pred{PRED_MONTHS}m.parquet")
    with home.warehouse() as con:
        rows = con.sql(
            f"select * from marts.{mart} where cutoff = date '{CUTOFF}' order by {EXPORTED[mart]}"
        )
        assert list(zip(copy.columns, copy.types, strict=True)) == list(
            zip(rows.columns, rows.types, strict=True)
        )
        assert copy.fetchall() == rows.fetchall()


def test_money_is_decimal_and_text_is_as_it_was_only_the_csv_is_made_harmless(home: Home):
    batch = measured_warehouse(home, date(2020, 5, 31), "0.1")
    written = write(home, batch, parquet=True)
    assert len(written) == 2 * (len(EXPORTED) + 1)
    path = exports.export_path(home, "clv_predictions_actual", batch, PARQUET)
    assert table(path).fetchall() == [(HOSTILE, date(2020, 5, 31), "M", Decimal("0.1000"))]
    assert f"'{HOSTILE}" in path.with_suffix(".csv").read_text()


@pytest.mark.parametrize(
    "customer", ["00042", "1e5", "12345678901234567890", "3-4", "1/2", "NA", "null", "TRUE", "-5"]
)
def test_an_id_survives_parquet_and_the_call_of_pandas_that_the_documents_show(
    home: Home, customer: str
):
    batch = measured_warehouse(home, date(2020, 5, 31), "1")
    with duckdb.connect(home.database) as con:
        con.execute(
            "update marts.clv_predictions set customer_id = ?, actual_clv = null", [customer]
        )
    write(home, batch, parquet=True)
    csv = exports.export_path(home, "clv_predictions", batch)
    (call,) = re.findall(
        r"`(pd\.read_csv.*?)`", (REPOSITORY / "docs" / "marts.md").read_text(encoding="utf-8")
    )
    assert call in (REPOSITORY / "README.md").read_text(encoding="utf-8")
    read = eval(call, {"pd": pd, "path": csv})
    assert read["customer_id"].tolist() == [customer]
    assert read["actual_clv"].isna().all() and read["actual_clv"].dtype == "float64"
    assert pd.read_parquet(csv.with_suffix(PARQUET))["customer_id"].tolist() == [customer]


def test_a_batch_that_is_replaced_takes_its_copies_with_it_even_when_they_are_off_by_then(
    home: Home,
):
    batch = measured_warehouse(home, date(2020, 5, 31), "1")
    write(home, batch, parquet=True)
    exports.withdraw(home, batch)
    exports.withdraw_measured(home, batch)
    assert list(home.outputs.iterdir()) == []
    assert {Path(name).suffix for name in write(home, batch, parquet=False)} == {".csv"}


def test_turned_off_old_copies_stay(home: Home):
    batch = measured_warehouse(home, date(2020, 5, 31), "1")
    write(home, batch, parquet=True)
    assert write(home, batch, parquet=False) == []
    assert len(list(home.outputs.glob("*.parquet"))) == len(EXPORTED) + 1


def test_purge_takes_the_copies_and_they_are_not_made_again_for_a_csv_that_was_purged(home: Home):
    batch = measured_warehouse(home, date(2020, 5, 31), "1")
    write(home, batch, parquet=False)
    files = purge(home, lambda _: None, date(2030, 1, 1)).files
    purged = frozenset(home.root / one.file for one in files)
    assert len(purged) == len(EXPORTED) + 1
    with duckdb.connect(home.database, read_only=True) as con:
        assert exports.export_batch(con, home, batch, purged, parquet=True) == []
    write(home, batch, parquet=True)
    files = purge(home, lambda _: None, date(2030, 1, 2)).files
    assert sum(one.file.endswith(PARQUET) for one in files) == len(EXPORTED) + 1
    assert list(home.outputs.iterdir()) == []
