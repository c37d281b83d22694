"""One project, two targets: what Spark builds is what DuckDB builds, row by row.

Skipped where Spark is not set up; `make spark` does that and runs these tests.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from conftest import PAST_CUTOFF, PROJECT, REPOSITORY, EngineHome, environment, marts

pytest.importorskip("pyspark", reason="`make spark` installs pyspark")
pytest.importorskip("sqlglot", reason="`make spark` installs sqlglot")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Spark needs Java", allow_module_level=True)

DBT = str(Path(sys.executable).parent / "dbt")
SPARK = PROJECT / "spark"
GENERATOR = REPOSITORY.parent / "shared" / "peers" / "generate.py"
sys.path.insert(0, str(SPARK))

NewHome = Callable[..., EngineHome]


def build_on_spark(home: EngineHome, *arguments: str) -> None:
    """Land the home's lines and run dbt on them with `--target spark`; fails when dbt does."""
    from ml.delivery.spark_landing import land
    from ml.home.layout import Home

    land(Home(home.root))
    folder = str(home.root / "warehouse" / "spark" / "dbt")
    done = subprocess.run(
        [DBT, *arguments, "--target", "spark", "--target-path", folder, "--log-path", folder],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment(
            CLV_HOME=str(home.root),
            CLV_SPARK_SHUFFLE_PARTITIONS="2",
            DO_NOT_TRACK="1",
            PYTHONPATH=os.pathsep.join([str(REPOSITORY), str(SPARK)]),
        ),
        timeout=3000,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]


def compare_marts(home: EngineHome) -> dict[str, int]:
    """Rows of each mart; fails on the first that differs: DOUBLE to 1e-6, all else exactly."""
    counts = {}
    with home.warehouse() as con:
        for mart in marts(con):
            rows = con.table(f"marts.{mart}")
            exact = [
                name
                for name, kind in zip(rows.columns, rows.types, strict=True)
                if kind != "DOUBLE"
            ]
            ours = rows.order(", ".join(f'"{name}"' for name in exact)).df()
            theirs = spark_rows(home, mart, rows).order(", ".join(f'"{name}"' for name in exact))
            pd.testing.assert_frame_equal(
                theirs.df(), ours, check_exact=False, rtol=1e-6, atol=1e-9, obj=mart
            )
            different = rows.project(", ".join(f'"{name}"' for name in exact)).except_(
                theirs.project(", ".join(f'"{name}"' for name in exact))
            )
            assert different.fetchall() == [], mart
            counts[mart] = len(ours)
    return counts


def spark_rows(
    home: EngineHome, mart: str, like: duckdb.DuckDBPyRelation
) -> duckdb.DuckDBPyRelation:
    """The rows of Spark's table, its columns and types as DuckDB's."""
    folder = home.root / "warehouse" / "spark" / "tables" / "marts.db" / mart
    if not any(folder.rglob("*.parquet")):
        return like.filter("false")
    columns = ", ".join(
        f'cast("{name}" as {kind}) as "{name}"'
        for name, kind in zip(like.columns, like.types, strict=True)
    )
    files = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"
    # asked through `like`, so that both can meet in one query
    return like.query("ours", f"select {columns} from {files}")


def scored_on_both(home: EngineHome, *cutoffs: date) -> None:
    """Score the cutoffs with DuckDB, then the same with Spark."""
    for cutoff in cutoffs:
        home.call("run", "--cutoff", cutoff.isoformat())
    for cutoff in cutoffs:
        build_on_spark(
            home, "build", "--vars", f"{{cutoff: {cutoff}}}", "--exclude-resource-type", "unit_test"
        )


# SQL


@pytest.mark.parametrize(
    ("expression", "spark"),
    [
        ("7 / 2", "CAST(7 AS DOUBLE) / 2"),
        ("day - to_months(3)", "day - MAKE_YM_INTERVAL(0, 3)"),
        ("date_diff('day', a, b)", "DATEDIFF(DAY, a, b)"),
        ("max_by(a, b)", "MAX_BY(a, b) FILTER(WHERE NOT a IS NULL)"),
        ("edges[1]", "edges[0]"),
        ("format('{:,.2f}', a)", "FORMAT_NUMBER(a, '#,##0.00')"),
        ("format('{:.2f}', a)", "FORMAT_NUMBER(a, '0.00')"),
        ("cast(a as hugeint)", "CAST(a AS DECIMAL(38, 0))"),
    ],
)
def test_an_expression_that_means_another_thing_on_spark_is_rewritten(expression: str, spark: str):
    from spark_sql import to_spark

    assert " ".join(to_spark(f"select {expression}").split()) == f"SELECT {spark}"


# Marts


def test_spark_builds_the_marts_of_duckdb(trained_home: EngineHome, tmp_path: Path):
    home = trained_home.copy(tmp_path / "home")
    scored_on_both(home, PAST_CUTOFF)
    counts = compare_marts(home)
    assert counts["clv_predictions"] > 100
    assert counts["clv_predictions_actual"] == counts["clv_predictions"]


def test_a_batch_that_is_built_again_replaces_its_rows(trained_home: EngineHome, tmp_path: Path):
    home = trained_home.copy(tmp_path / "home")
    scored_on_both(home, PAST_CUTOFF, date(2011, 10, 31))
    build_on_spark(home, "run", "--vars", f"{{cutoff: {PAST_CUTOFF}}}", "--selector", "batch")
    assert compare_marts(home)["clv_batches"] == 2


@pytest.mark.slow
def test_spark_builds_the_marts_of_duckdb_from_a_million_lines(new_home: NewHome):
    if not GENERATOR.exists():
        pytest.skip("needs ../shared/peers/generate.py")
    home = new_home()
    generated = home.root / "generated.parquet"
    subprocess.run([sys.executable, str(GENERATOR), "33000", str(generated)], check=True)
    # prices fall after the cutoff, so that the window drifts and its data are checked
    duckdb.execute(
        "copy (select * replace (case when order_ts < date '2011-07-01' then unit_price"
        f" else round(unit_price / 4, 2) end as unit_price) from '{generated}')"
        f" to '{home.raw / 'lines.parquet'}'"
    )
    home.call("train", "--cutoff", "2011-06-30")
    scored_on_both(home, date(2011, 6, 30))
    ((count,),) = home.rows("select count(*) from raw.transactions")
    assert count > 900_000
    counts = compare_marts(home)
    assert counts["clv_predictions"] > 10_000
    assert all(counts.values()), counts
