"""The main job through the command line: load, train, run, and what a user can do wrong."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import (
    BATCH_MARTS,
    CUTOFF,
    FIRST_DAY,
    LAST_DAY,
    PAST_CUTOFF,
    PRED_MONTHS,
    SECOND_CUTOFF,
    TWINS,
    EngineHome,
    frame,
    line,
    marts,
)
from filelock import FileLock

from ml.home.config import load_config
from ml.home.dates import next_cutoff, parse_day
from ml.home.errors import CallError, DataNotReadyError, LockHeldError
from ml.home.layout import Home
from ml.life import commands

MakeHome = Callable[..., EngineHome]
PROMISED_MARTS = {
    *BATCH_MARTS,
    "champion_manifest",
    "customer_rfm",
}


def quiet(_: str) -> None:
    """Shows no progress."""


# What a run leaves


def test_marts_of_the_design_exist_with_a_comment_on_every_table_and_column(
    scored_home: EngineHome,
):
    with scored_home.warehouse() as con:
        assert set(marts(con)) >= PROMISED_MARTS
        silent = con.execute(
            "select table_name, null as column_name from duckdb_tables()"
            " where schema_name = 'marts' and coalesce(trim(comment), '') = ''"
            " union all select table_name, column_name from duckdb_columns()"
            " where schema_name = 'marts' and coalesce(trim(comment), '') = ''"
        ).fetchall()
    assert silent == []


def test_keys_of_the_marts_cannot_be_null_in_the_database(scored_home: EngineHome):
    nullable = scored_home.rows(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts'"
        " and column_name in ('customer_id', 'cutoff', 'model_id') and is_nullable"
        # a view has the keys of the tables it reads, and no constraint of its own
        " and table_name in (select table_name from duckdb_tables() where schema_name = 'marts')"
    )
    assert nullable == []


def test_a_first_run_scores_the_training_cutoff_and_what_fell_due_since_in_order(
    scored_home: EngineHome,
):
    result = json.loads((scored_home.root / "run.json").read_text())
    assert [batch["cutoff"] for batch in result["batches"]] == [
        CUTOFF.isoformat(),
        SECOND_CUTOFF.isoformat(),
    ]
    assert result["next_cutoff"] == (SECOND_CUTOFF + timedelta(days=14)).isoformat()
    assert result["newest_day"] == LAST_DAY.isoformat()
    assert result["batches"][0]["window_end"] == "2012-05-31"


@pytest.mark.parametrize("mart", BATCH_MARTS)
@pytest.mark.parametrize("cutoff", [CUTOFF, SECOND_CUTOFF])
def test_exported_files_hold_the_rows_of_the_marts(
    scored_home: EngineHome, mart: str, cutoff: date
):
    path = scored_home.outputs / f"{mart}_{cutoff}_pred{PRED_MONTHS}m.csv"
    with scored_home.warehouse() as con:
        inside = con.execute(f"select * from marts.{mart} where cutoff = ?", [cutoff]).df()
        con.execute("set enable_progress_bar = false")
        outside = con.execute(
            "select * from read_csv(?, header = true, all_varchar = true)", [str(path)]
        ).df()
    assert list(outside) == list(inside)
    assert len(outside) == len(inside) > 0
    for column in inside:
        key = "cluster_id" if mart == "clv_cluster_ranking" else "customer_id"
        ours = inside.astype({key: str}).set_index(key)[[c for c in inside if c != key]]
        theirs = outside.set_index(key).loc[ours.index]
        if column in ours and pd.api.types.is_float_dtype(ours[column]):
            np.testing.assert_array_equal(
                ours[column], pd.to_numeric(theirs[column]), err_msg=column
            )
        elif column in ours and pd.api.types.is_datetime64_any_dtype(ours[column]):
            assert list(ours[column].dt.strftime("%Y-%m-%d")) == list(theirs[column]), column
        elif column in ours:
            assert list(ours[column].astype(str)) == list(theirs[column]), column


def test_outputs_hold_the_promised_files_and_no_other(scored_home: EngineHome):
    names = {path.name for path in scored_home.outputs.iterdir()}
    tables = {
        f"{mart}_{cutoff}_pred{PRED_MONTHS}m.{ending}"
        for mart in BATCH_MARTS
        for cutoff in (CUTOFF, SECOND_CUTOFF)
        for ending in ("csv", "parquet")
    }
    assert names == tables | {"report.html"}


def test_the_lenses_of_a_batch_hold_the_same_customers(scored_home: EngineHome):
    customers = [
        scored_home.rows(f"select cutoff, customer_id from marts.{mart} order by all")
        for mart in ("clv_predictions", "clv_ranked_predictions", "clv_clusters", "customer_rfm")
    ]
    assert customers[0]
    assert all(rows == customers[0] for rows in customers)


def test_clv_index_is_the_median_of_the_cluster_over_the_median_of_all(scored_home: EngineHome):
    with scored_home.warehouse() as con:
        scores = con.execute(
            "select * from marts.clv_predictions join marts.clv_clusters"
            " using (customer_id, cutoff, model_id)"
        ).df()
        ranking = con.execute("select * from marts.clv_cluster_ranking").df()
    for cutoff, rows in ranking.groupby("cutoff"):
        batch = scores[scores["cutoff"] == cutoff]
        medians = batch.groupby("cluster_id")["predicted_clv"].median()
        ours = rows.set_index("cluster_id").sort_index()
        assert sum(rows["customers"]) == len(batch)
        np.testing.assert_allclose(ours["median_clv"], medians, rtol=1e-12)
        np.testing.assert_allclose(
            ours["clv_index"], medians / batch["predicted_clv"].median(), rtol=1e-12
        )


def test_cluster_rank_one_is_the_highest_median_and_ranks_have_no_gap(scored_home: EngineHome):
    with scored_home.warehouse() as con:
        ranking = con.execute("select * from marts.clv_cluster_ranking").df()
    for _, rows in ranking.groupby("cutoff"):
        ordered = rows.sort_values(["median_clv", "cluster_id"], ascending=[False, True])
        assert list(ordered["cluster_rank"]) == list(range(1, len(rows) + 1))


def test_equal_customers_have_equal_predictions_and_neighbouring_ranks_by_id(
    scored_home: EngineHome,
):
    rows = scored_home.rows(
        "select customer_id, predicted_clv, clv_rank from marts.clv_ranked_predictions"
        f" where cutoff = '{CUTOFF}' and customer_id like 'TWIN-%' order by clv_rank"
    )
    assert [customer for customer, _, _ in rows] == TWINS
    assert len({score for _, score, _ in rows}) == 1
    assert [rank for _, _, rank in rows] == list(range(rows[0][2], rows[0][2] + len(TWINS)))


def test_the_ledger_in_sql_equals_the_ledger_file(scored_home: EngineHome):
    with scored_home.manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with scored_home.warehouse() as con:
        mart = con.execute("select * from marts.champion_manifest order by ledger_row").df()
    assert len(rows) == len(mart) == 1
    for field, text in rows[0].items():
        name = {"timestamp": "trained_at"}.get(field, field)
        value = mart[name].iloc[0]
        if field == "timestamp":
            assert pd.Timestamp(text).tz_convert(None) == value
        elif field == "training_cutoff":
            assert pd.Timestamp(text) == value
        elif field == "code_dirty":
            assert (text == "true") == value
        elif field in ("baseline_rmse", "baseline_r2"):
            assert float(text) == value
        else:
            assert text == ("" if pd.isna(value) else str(value)), field


def test_card_ledger_and_latest_metrics_tell_the_same_baseline(scored_home: EngineHome):
    models = scored_home.manifest.parent
    with scored_home.manifest.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    card = json.loads((models / "cards" / f"{row['model_id']}.json").read_text())
    latest = json.loads((models / "clv_model_latest.metrics.json").read_text())
    assert (models / f"clv_model_{row['model_id']}.joblib").is_file()
    assert card["training_cutoff"] == row["training_cutoff"] == CUTOFF.isoformat()
    assert card["baseline_rmse"] == latest["rmse"] == float(row["baseline_rmse"]) > 0
    assert card["baseline_r2"] == latest["r2"] == float(row["baseline_r2"]) < 1


def test_a_bump_changes_one_line_and_keeps_every_comment(
    trained_home: EngineHome, scored_home: EngineHome
):
    before = trained_home.config.read_text().splitlines()
    after = scored_home.config.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    ((old, new),) = changed
    assert f'last_score_cutoff: "{SECOND_CUTOFF}"' in new
    assert old.partition("#")[2] == new.partition("#")[2] != ""


# The same again


def test_a_second_run_says_nothing_is_due_and_changes_nothing(scored_home: EngineHome):
    before = scored_home.state()
    result = scored_home.call("run").result
    assert result["batches"] == []
    assert result["exports"] == []
    assert result["next_cutoff"] > result["newest_day"]
    assert scored_home.state() == before


def test_a_second_identical_training_adds_nothing_to_the_ledger(
    trained_home: EngineHome, tmp_path: Path
):
    home = trained_home.copy(tmp_path / "home")
    before = home.manifest.read_bytes()
    result = home.call("train", "--cutoff", CUTOFF.isoformat()).result
    assert result["new"] is False
    assert home.manifest.read_bytes() == before
    assert home.state() == trained_home.state()


def test_a_chosen_cutoff_leaves_the_config_and_other_batches_alone(
    scored_home: EngineHome, rescored_home: EngineHome
):
    assert rescored_home.config.read_bytes() == scored_home.config.read_bytes()
    for mart in BATCH_MARTS:
        others = f"select * from marts.{mart} where cutoff <> '{PAST_CUTOFF}' order by all"
        assert rescored_home.rows(others) == scored_home.rows(others)
        assert (rescored_home.outputs / f"{mart}_{PAST_CUTOFF}_pred{PRED_MONTHS}m.csv").is_file()


def test_a_chosen_cutoff_again_doubles_no_row(rescored_home: EngineHome, tmp_path: Path):
    home = rescored_home.copy(tmp_path / "home")
    before = home.state()
    (batch,) = home.call("run", "--cutoff", PAST_CUTOFF.isoformat()).result["batches"]
    assert home.state() == before
    counts = home.rows(
        "select count(*), count(distinct customer_id) from marts.clv_predictions"
        f" where cutoff = '{PAST_CUTOFF}'"
    )
    assert counts == [(batch["customers"], batch["customers"])]


def test_a_reader_keeps_its_snapshot_while_a_run_publishes(rescored_home: EngineHome):
    reader = json.loads((rescored_home.root / "rescored.json").read_text())["reader"]
    assert reader["before"] == reader["after"]
    ((now,),) = rescored_home.rows("select count(*) from marts.clv_predictions")
    assert now > reader["before"][0]


def test_a_missing_output_is_made_again_and_leftovers_of_a_kill_are_swept(
    scored_home: EngineHome, tmp_path: Path
):
    home = scored_home.copy(tmp_path / "home")
    before = home.state()
    missing = home.outputs / f"clv_clusters_{CUTOFF}_pred{PRED_MONTHS}m.csv"
    missing.unlink()
    build = home.root / "warehouse" / ".build"
    build.mkdir()
    (build / "clv.duckdb").write_bytes(b"half a copy")
    strays = [
        home.outputs / ".clv_predictions_2012-02-29_pred3m.csv.part",
        home.config.parent / ".model_config.yaml.part",
        home.manifest.parent / ".champion_manifest.csv.part",
        home.manifest.parent / "clv_model_20120229-h6p3-0123456789.joblib",
        home.manifest.parent / "cards" / "20120229-h6p3-0123456789.json",
    ]
    for stray in strays:
        stray.write_bytes(b"half")
    result = home.call("run").result
    assert result["exports"] == [str(missing.relative_to(home.root))]
    assert [stray for stray in strays if stray.exists()] == []
    assert not build.exists()
    assert home.state() == before


def test_new_days_are_caught_up_in_order_and_a_later_day_changes_no_batch(
    scored_home: EngineHome, tmp_path: Path
):
    home = scored_home.copy(tmp_path / "home")
    batches = f"select * from marts.clv_predictions where cutoff <= '{LAST_DAY}' order by all"
    old = home.rows(batches)
    last = date(2012, 4, 12)
    home.deliver(frame([line("C0001", last), line("LATE", last)]), "later.csv")
    result = home.call("run").result
    due = [SECOND_CUTOFF + timedelta(days=14), SECOND_CUTOFF + timedelta(days=28)]
    assert [batch["cutoff"] for batch in result["batches"]] == [str(day) for day in due]
    assert f'last_score_cutoff: "{due[-1]}"' in home.config.read_text()
    assert home.rows(batches) == old


# The calendar


@pytest.mark.parametrize(
    ("days_since_first", "step"),
    [(0, 14), (14, 14), (70, 14), (83, 14), (84, 30), (85, 30), (114, 30), (500, 30)],
)
def test_steps_are_14_days_for_84_days_and_then_30(days_since_first: int, step: int):
    first = date(2011, 12, 31)
    last = first + timedelta(days=days_since_first)
    assert next_cutoff(last, first) == last + timedelta(days=step)


def test_a_champion_that_has_not_scored_is_in_its_first_days():
    assert next_cutoff(date(2012, 2, 29), None) == date(2012, 3, 14)


def test_status_names_champion_calendar_and_open_windows(scored_home: EngineHome):
    status = scored_home.call("status").result
    assert status["champions"] == 1
    assert status["champion"]["training_cutoff"] == CUTOFF.isoformat()
    assert status["newest_day"] == LAST_DAY.isoformat()
    assert status["next_cutoff"] == "2012-03-28"
    assert [window["window_end"] for window in status["open_windows"]] == [
        "2012-05-31",
        "2012-06-14",
    ]


# Few customers


def test_one_customer_is_ranked_tiered_and_clustered_and_another_home_stays_as_it_is(
    trained_home: EngineHome, tmp_path: Path
):
    elsewhere = trained_home.state()
    home = trained_home.copy(tmp_path / "home")
    home.deliver(frame([line("ALONE", CUTOFF)]))
    (batch,) = home.call("run", "--cutoff", CUTOFF.isoformat()).result["batches"]
    assert batch["customers"] == 1
    assert home.rows(
        "select customer_id, clv_rank, clv_percentile, value_tier from marts.clv_ranked_predictions"
    ) == [("ALONE", 1, 100.0, "Top 1%")]
    ((customers, rank),) = home.rows(
        "select customers, cluster_rank from marts.clv_cluster_ranking"
    )
    assert (customers, rank) == (1, 1)
    assert trained_home.state() == elsewhere


def test_customers_who_are_all_equal_are_ordered_by_id(trained_home: EngineHome, tmp_path: Path):
    home = trained_home.copy(tmp_path / "home")
    (batch,) = home.call("run", "--cutoff", FIRST_DAY.isoformat()).result["batches"]
    assert batch["customers"] == len(TWINS)
    rows = home.rows(
        "select customer_id, value_tier from marts.clv_ranked_predictions order by clv_rank"
    )
    assert [customer for customer, _ in rows] == TWINS
    # of 7: ceil(0.07), ceil(0.35), ceil(0.7) = 1; ceil(1.4) = 2; ceil(3.5) = 4
    tiers = ["Top 1%", "Top 20%", "Top 50%", "Top 50%", "Bottom 50%", "Bottom 50%", "Bottom 50%"]
    assert [tier for _, tier in rows] == tiers


# What is refused


def refused(home: EngineHome, *arguments: str, code: int) -> str:
    """The error line of a refused call, which must have changed nothing."""
    before = home.state()
    database = home.database.read_bytes() if home.database.exists() else b""
    message = home.call(*arguments, expect=code).message
    assert home.state() == before
    assert (home.database.read_bytes() if home.database.exists() else b"") == database
    return message


NO_DAYS = [
    "2011-02-30",
    "2011-13-01",
    "2011-6-30",
    "20110630",
    "2011-06-30 ",
    " 2011-06-30",
    "2011-06-30\n",
    "2011-W26-4",
    "٢٠١١-٠٦-٣٠",
    "'; drop table x; --",
    "../../2011-06-30",
    "",
]


@pytest.mark.parametrize("text", NO_DAYS)
def test_text_that_is_no_day_is_refused(text: str):
    with pytest.raises(CallError, match="YYYY-MM-DD"):
        parse_day(text, "--cutoff")


@pytest.mark.parametrize("cutoff", ["2011-02-30", "'; drop table x; --"])
def test_a_cutoff_that_is_no_day_is_refused(trained_home: EngineHome, cutoff: str):
    message = refused(trained_home, "run", "--cutoff", cutoff, code=2)
    assert "YYYY-MM-DD" in message
    assert "--cutoff" in message


def test_an_unknown_option_is_refused(trained_home: EngineHome):
    assert "--cutof" in refused(trained_home, "run", "--cutof", "2012-02-29", code=2)


def test_an_unknown_home_is_refused(tmp_path: Path):
    home = EngineHome(tmp_path)
    message = home.call("--home", str(tmp_path / "nowhere"), "status", expect=2).message
    assert "no such folder" in message


def test_a_cutoff_after_the_data_is_refused_and_names_the_day_the_data_must_reach(
    scored_home: EngineHome,
):
    wanted = LAST_DAY + timedelta(days=1)
    message = refused(scored_home, "run", "--cutoff", wanted.isoformat(), code=4)
    assert str(LAST_DAY) in message
    assert f"must reach {wanted}" in message
    with pytest.raises(DataNotReadyError, match=f"must reach {wanted}"):
        commands.train(Home(scored_home.root), quiet, wanted)


def test_a_cutoff_before_every_purchase_is_refused(scored_home: EngineHome):
    message = refused(scored_home, "run", "--cutoff", "2009-12-31", code=4)
    assert "no customer bought" in message


def test_a_run_without_a_champion_is_refused_and_says_what_to_do(new_home: MakeHome):
    home = new_home()
    home.deliver(frame([line("C1", date(2012, 1, 1))]))
    message = refused(home, "run", code=1)
    assert "no champion yet" in message
    assert "train" in message


def test_a_training_without_a_window_to_learn_from_is_refused(new_home: MakeHome):
    home = new_home()
    home.deliver(frame([line(f"C{n}", date(2012, 1, 1 + n)) for n in range(9)]))
    message = refused(home, "train", code=4)
    assert "to learn from" in " ".join(message.split())


def test_a_held_lock_is_exit_code_three(scored_home: EngineHome, tmp_path: Path):
    home = scored_home.copy(tmp_path / "home")
    with FileLock(home.root / "warehouse" / ".lock"):
        assert "warehouse/.lock" in refused(home, "run", code=3)
        for command in (commands.load, commands.train):
            with pytest.raises(LockHeldError):
                command(Home(home.root), quiet)


BAD_CONFIGS: list[tuple[str, str, str]] = [
    (r"^  history_months:", "  history_month:", r":\d+: training.history_month.*history_months"),
    (r"^training:", "trainings:", r":\d+: trainings.*did you mean training"),
    (r"^  history_months: 6", "  history_months: six", r":\d+: training.history_months"),
    (r"^  history_months: 6", "  history_months: 0", r":\d+: training.history_months"),
    (r"^  timezone: UTC", "  timezone: Europe/Londn", r":\d+: source.timezone.*Europe/London"),
    (r"^  value_tiers: .*", "  value_tiers: [5, 1]", r":\d+: segments.value_tiers"),
    (r"^    min: 4", "    min: 9", r":\d+: segments.clusters.*9"),
    (r"^  last_score_cutoff:", '  last_score_cutoff: "2011-02-30"', r":\d+: run.last_score_cutoff"),
    (r"^  currency: USD", "  currency: !!python/object:os.system ls", r":\d+: the YAML tag"),
    (r"^  seed: .*", "  seed: [1", r":\d+: is not valid YAML"),
    (r"^  seed: .*", "  seed: 1\n  seed: 2", r":\d+: seed is there twice"),
    (r"^    ordered_at: .*", "    orderedat: order_ts", r":\d+: source.columns.orderedat.*_at"),
    (r"^    unit_price: .*", "", r":\d+: source.columns.*quantity and unit_price, or amount"),
]


@pytest.mark.parametrize(("pattern", "replacement", "expected"), BAD_CONFIGS)
def test_a_wrong_config_is_refused_with_file_line_and_key(
    new_home: MakeHome, pattern: str, replacement: str, expected: str
):
    home = new_home()
    home.configure(pattern, replacement)
    with pytest.raises(CallError) as caught:
        load_config(Home.resolve(str(home.root)))
    message = str(caught.value)
    assert re.search(r"config/model_config\.yaml" + expected, message), message
    assert "\n" not in message
    number = int(re.findall(r"yaml:(\d+):", message)[0])
    key = re.split(r"\W+", replacement.strip() or "columns")[0]
    nearby = home.config.read_text().splitlines()[max(number - 3, 0) : number + 2]
    assert any(key in text for text in nearby), (message, nearby)


def test_a_wrong_config_is_exit_code_two_on_the_command_line(new_home: MakeHome):
    home = new_home()
    home.configure("^  pred_months:", "  pred_month:")
    message = refused(home, "train", code=2)
    assert re.search(r"model_config\.yaml:\d+: training\.pred_month: .*pred_months", message)


def test_an_edited_artefact_is_not_opened(scored_home: EngineHome, tmp_path: Path):
    home = scored_home.copy(tmp_path / "home")
    (artefact,) = home.manifest.parent.glob("*.joblib")
    artefact.write_bytes(artefact.read_bytes() + b"x")
    assert artefact.name in refused(home, "run", code=1)


def test_a_changed_ledger_row_is_named(scored_home: EngineHome, tmp_path: Path):
    home = scored_home.copy(tmp_path / "home")
    content = home.manifest.read_bytes()
    home.manifest.write_bytes(content.replace(b",6,3,", b",9,3,", 1))
    assert "row 1" in refused(home, "status", code=1)
    assert "row 1" in refused(home, "run", code=1)


def test_debug_shows_where_and_ends_as_without_it(scored_home: EngineHome):
    outcome = scored_home.call("--debug", "run", "--cutoff", "2031-01-31", expect=4)
    assert "Traceback" in outcome.stderr
    assert outcome.stderr.splitlines()[-1].startswith("error: cutoff 2031-01-31: the data ends on")


def test_stdout_is_words_without_json_and_one_object_with_it(scored_home: EngineHome):
    outcome = scored_home.call("status")
    assert outcome.stderr == ""
    assert len(outcome.stdout.splitlines()) == 1
    result: dict[str, Any] = outcome.result
    assert set(result) >= {"champion", "newest_day", "next_cutoff", "open_windows"}


def test_the_docs_are_one_page_with_the_lineage(scored_home: EngineHome, tmp_path: Path):
    home = scored_home.copy(tmp_path / "home")
    page = home.root / home.call("docs").result["page"]
    text = page.read_text(encoding="utf-8")
    assert "source.house_ware_clv.raw.transactions" in text
    assert "model.house_ware_clv.clv_cluster_ranking" in text
    assert "exposure.house_ware_clv." in text
    assert "metric.house_ware_clv.expected_revenue" in text
    # readable without a network and with the engine's name on it
    assert "<title>House-Ware CLV Engine</title>" in text
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.?https?:", text)
    shutil.rmtree(home.root)
