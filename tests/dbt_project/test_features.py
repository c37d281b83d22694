"""Windows and features: their edges, no look ahead, the same in training and in scoring."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from conftest import (
    CUTOFF,
    FIRST_DAY,
    FIRST_HISTORY_DAY,
    HISTORY_MONTHS,
    PAST_CUTOFF,
    PRED_MONTHS,
    SECOND_CUTOFF,
    TWINS,
    EngineHome,
    frame,
    line,
    macro_sql,
    table_hash,
    transaction_log,
)
from dateutil.relativedelta import relativedelta
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ml.home.dates import history_start, window_end
from ml.model.forecast.features import (
    FEATURES,
    OF_THE_WHOLE_LOG,
    PURCHASE_HISTORY,
    PURCHASE_VALUE,
)

FEATURE_TABLES = ("intermediate.int_training_examples", "intermediate.int_customer_features")
DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    """A database in memory."""
    return duckdb.connect()


# Windows in SQL and in Python


@pytest.mark.long
@settings(deadline=None, max_examples=300)
@given(cutoff=DAYS, history_months=st.integers(1, 120), pred_months=st.integers(1, 36))
@example(cutoff=date(2021, 12, 31), history_months=9, pred_months=6)
@example(cutoff=date(2011, 2, 28), history_months=9, pred_months=6)
@example(cutoff=date(2012, 2, 28), history_months=12, pred_months=12)
@example(cutoff=date(2012, 2, 29), history_months=1, pred_months=1)
@example(cutoff=date(2011, 8, 30), history_months=6, pred_months=6)
@example(cutoff=date(2012, 8, 30), history_months=6, pred_months=18)
def test_windows_are_the_same_days_in_sql_and_in_python(
    con: duckdb.DuckDBPyConnection, cutoff: date, history_months: int, pred_months: int
):
    literal = f"date '{cutoff}'"
    expressions = [
        macro_sql(f'history_start("{literal}", "{history_months}")', "windows"),
        macro_sql(f'window_start("{literal}")', "windows"),
        macro_sql(f'window_end("{literal}", "{pred_months}")', "windows"),
    ]
    assert con.execute(f"select {', '.join(expressions)}").fetchone() == (
        history_start(cutoff, history_months),
        cutoff + timedelta(days=1),
        window_end(cutoff, pred_months),
    )


@pytest.mark.parametrize(
    ("cutoff", "first", "last"),
    [
        (date(2021, 12, 31), date(2021, 4, 1), date(2022, 6, 30)),
        (date(2011, 2, 28), date(2010, 6, 1), date(2011, 8, 31)),
        (date(2012, 2, 29), date(2011, 6, 1), date(2012, 8, 31)),
        (date(2012, 2, 28), date(2011, 5, 29), date(2012, 8, 28)),
        (date(2011, 8, 30), date(2010, 11, 30), date(2012, 2, 28)),
    ],
)
def test_windows_of_nine_and_six_months_are_those_of_the_design(
    cutoff: date, first: date, last: date
):
    assert (history_start(cutoff, 9), window_end(cutoff, 6)) == (first, last)


@settings(deadline=None, max_examples=60)
@given(
    cutoff=DAYS,
    history_months=st.integers(1, 24),
    pred_months=st.integers(1, 12),
    log_months=st.integers(0, 60),
)
@example(cutoff=date(2012, 5, 30), history_months=6, pred_months=3, log_months=40)
@example(cutoff=date(2012, 8, 30), history_months=3, pred_months=6, log_months=40)
def test_training_windows_are_windows_that_end_on_or_before_the_cutoff(
    con: duckdb.DuckDBPyConnection,
    cutoff: date,
    history_months: int,
    pred_months: int,
    log_months: int,
):
    first_day = history_start(cutoff, log_months)
    request = (
        f"(select date '{cutoff}' as training_cutoff, {history_months} as history_months, "
        f"{pred_months} as pred_months, date '{first_day}' as first_day)"
    )
    rendered = macro_sql(f'training_windows("{request}")', "training_windows")
    rows = con.execute(rendered).fetchall()
    assert rows[0][0] == cutoff
    assert [row[6] for row in rows] == [0, *range(pred_months, pred_months + len(rows) - 1)]
    for at, history, pred, start, window_start, end, months_back, observed, _, is_known in rows:
        assert (history, pred) == (history_months, pred_months)
        assert window_start == history_start(cutoff, months_back) == at + timedelta(days=1)
        assert start == history_start(at, history_months)
        assert end == window_end(at, pred_months)
        assert months_back == 0 or end <= cutoff
        assert is_known == (end <= cutoff)
        assert observed <= history_months
        # that many whole months of the log lie before the window
        assert observed < 1 or first_day + relativedelta(months=observed) <= window_start


# Edges of the history window


def customers_at(home: EngineHome, cutoff: date) -> set[str]:
    rows = home.rows(f"select customer_id from marts.clv_predictions where cutoff = '{cutoff}'")
    return {customer for (customer,) in rows}


def test_the_day_of_the_cutoff_is_in_and_the_day_after_is_out(scored_home: EngineHome):
    customers = customers_at(scored_home, CUTOFF)
    assert "ON-CUTOFF" in customers
    assert "DAY-AFTER" not in customers
    assert "DAY-AFTER" in customers_at(scored_home, CUTOFF + timedelta(days=14))


def test_the_first_day_of_the_history_is_in_and_the_day_before_is_out(scored_home: EngineHome):
    assert history_start(CUTOFF, HISTORY_MONTHS) == FIRST_HISTORY_DAY
    customers = customers_at(scored_home, CUTOFF)
    assert "FIRST-DAY" in customers
    assert "DAY-BEFORE" not in customers


def test_customers_of_a_cutoff_are_those_with_a_positive_order_in_the_window(
    scored_home: EngineHome,
):
    log = transaction_log()
    days = log["order_ts"].dt.date
    inside = log[(days >= FIRST_HISTORY_DAY) & (days <= CUTOFF)]
    amounts = (inside["quantity"] * inside["unit_price"]).groupby(
        [inside["customer_id"], inside["order_ts"].dt.date, inside["order_id"]]
    )
    buyers = amounts.sum().loc[lambda net: net > 0.00001].index.get_level_values(0)
    assert customers_at(scored_home, CUTOFF) == set(buyers)
    assert {"RETURNS-ONLY"} & set(log["customer_id"]) - customers_at(scored_home, CUTOFF)


def test_recency_and_tenure_count_days_to_the_cutoff(scored_home: EngineHome):
    rows = scored_home.rows(
        "select customer_id, recency_days, tenure_days from marts.customer_rfm"
        f" where cutoff = '{CUTOFF}' and customer_id in ('ON-CUTOFF', 'FIRST-DAY') order by all"
    )
    whole = (CUTOFF - FIRST_HISTORY_DAY).days
    assert rows == [("FIRST-DAY", whole, whole), ("ON-CUTOFF", 0, 0)]


def test_the_first_order_is_that_of_the_whole_log_and_tenure_that_of_the_history(
    rescored_home: EngineHome,
):
    rows = rescored_home.rows(
        "select customer_id, first_order_date, customer_age_days, tenure_days"
        f" from marts.customer_rfm where cutoff = '{CUTOFF}'"
        " and customer_id in ('FIRST-DAY', 'TWIN-1') order by all"
    )
    assert rows == [
        ("FIRST-DAY", FIRST_HISTORY_DAY, *[(CUTOFF - FIRST_HISTORY_DAY).days] * 2),
        ("TWIN-1", FIRST_DAY, (CUTOFF - FIRST_DAY).days, (CUTOFF - date(2011, 12, 1)).days),
    ]


def test_first_orders_are_the_first_days_with_a_positive_order_of_the_delivered_log(
    rescored_home: EngineHome,
):
    log = transaction_log()
    log["day"] = log["order_ts"].dt.date
    log["amount"] = log["quantity"] * log["unit_price"]
    orders = log.groupby(["customer_id", "day", "order_id"], as_index=False)["amount"].sum()
    first = orders[orders["amount"] > 0.00001].groupby("customer_id")["day"].min()
    rows = rescored_home.rows(
        "select customer_id, cutoff, first_order_date from marts.customer_rfm"
    )
    assert {cutoff for _, cutoff, _ in rows} == {PAST_CUTOFF, CUTOFF, SECOND_CUTOFF}
    assert all(first[customer] == day for customer, _, day in rows)


def test_a_champion_reads_no_column_of_the_whole_log():
    read = {feature.name for feature in FEATURES} | {*PURCHASE_HISTORY, *PURCHASE_VALUE}
    assert read.isdisjoint(OF_THE_WHOLE_LOG)


def test_orders_of_one_day_returns_and_equal_lines_are_counted_as_they_are(
    scored_home: EngineHome,
):
    rows = scored_home.rows(
        "select customer_id, order_count, purchase_day_count, gross_revenue::double,"
        " returned_revenue::double, net_revenue::double from marts.customer_rfm"
        f" where cutoff = '{CUTOFF}'"
        " and customer_id in ('KEPT-NOTHING', 'SAME-DAY', 'TIED-LINES') order by all"
    )
    assert rows == [
        ("KEPT-NOTHING", 1, 1, 20.0, 20.0, 0.0),
        ("SAME-DAY", 2, 1, 13.0, 0.0, 13.0),
        ("TIED-LINES", 1, 1, 20.0, 0.0, 20.0),
    ]


def test_equal_histories_give_equal_features(trained_home: EngineHome):
    with trained_home.warehouse() as con:
        rows = con.execute(
            "select * exclude (customer_id) from intermediate.int_training_features"
            " where list_contains(?, customer_id) and cutoff = ?",
            [TWINS, CUTOFF],
        ).df()
    assert len(rows) == len(TWINS)
    assert len(rows.drop_duplicates()) == 1


# Training and scoring see the same


def feature_columns(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Columns of the scored customers; the training examples have them all."""
    examples, scored = (
        [name for name, *_ in con.execute(f"describe {table}").fetchall()]
        for table in FEATURE_TABLES
    )
    assert set(scored) <= set(examples)
    return scored


def test_features_at_a_past_cutoff_are_identical_in_training_and_in_scoring(
    rescored_home: EngineHome,
):
    with rescored_home.warehouse() as con:
        names = ", ".join(feature_columns(con))
        trained, scored = (
            table_hash(con, f"(select {names} from {table} where cutoff = '{PAST_CUTOFF}')")
            for table in (
                "intermediate.int_training_examples",
                "intermediate.int_customer_features",
            )
        )
        customers = con.execute(
            "select count(*) from intermediate.int_customer_features"
        ).fetchone()
    assert trained == scored
    assert customers is not None
    assert customers[0] > 100


def test_labels_are_the_net_revenue_of_the_label_window(trained_home: EngineHome):
    log = transaction_log()
    log["cents"] = (log["quantity"] * log["unit_price"] * 100).round().astype(int)
    with trained_home.warehouse() as con:
        examples = con.execute(
            "select cutoff, customer_id, actual_clv from intermediate.int_training_examples"
            " where months_back > 0"
        ).df()
    assert examples["actual_clv"].notna().all()
    assert (examples["actual_clv"] == 0).any()
    for cutoff, rows in examples.groupby("cutoff"):
        first = pd.Timestamp(str(cutoff)) + pd.Timedelta(days=1)
        last = pd.Timestamp(window_end(first.date() - timedelta(days=1), PRED_MONTHS))
        inside = log[(log["order_ts"] >= first) & (log["order_ts"] < last + pd.Timedelta(days=1))]
        spent = inside.groupby("customer_id")["cents"].sum()
        expected = spent.reindex(rows["customer_id"], fill_value=0).to_numpy()
        assert ((rows["actual_clv"] * 100).round().astype(int).to_numpy() == expected).all()


# Rows after the cutoff change nothing


def rewritten_future(seed: int, after: date) -> pd.DataFrame:
    """The log with another truth after a day: other amounts, other customers, fewer lines."""
    log = transaction_log()
    later = log["order_ts"].dt.date > after
    kept = log[later].sample(frac=0.6, random_state=seed)
    kept = kept.assign(unit_price=kept["unit_price"] * 7, quantity=-kept["quantity"])
    known = sorted(log["customer_id"].unique())
    days = [after + timedelta(days=1 + seed + n) for n in range(20)]
    new = [line(f"NEW-{seed}-{n}", day, price=9999) for n, day in enumerate(days)]
    new += [line(known[(n * 7) % len(known)], day, price=5000) for n, day in enumerate(days)]
    return pd.concat([log[~later], kept, frame(new)], ignore_index=True)


def batch_of(home: EngineHome, cutoff: date) -> list[str]:
    """Hashes of features and of every mart row of a cutoff."""
    with home.warehouse() as con:
        return [
            table_hash(con, relation, f"cutoff = '{cutoff}'")
            for relation in (
                "intermediate.int_customer_features",
                "marts.clv_predictions",
                "marts.clv_ranked_predictions",
                "marts.clv_clusters",
                "marts.clv_cluster_ranking",
                "marts.clv_cluster_behaviour",
                "marts.clv_batches",
                "marts.customer_rfm",
            )
        ]


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_after_the_cutoff_change_no_feature_and_no_score(
    trained_home: EngineHome, rescored_home: EngineHome, tmp_path: Path, seed: int
):
    home = trained_home.copy(tmp_path / "home")
    home.deliver(rewritten_future(seed, PAST_CUTOFF))
    home.call("run", "--cutoff", PAST_CUTOFF.isoformat())
    assert batch_of(home, PAST_CUTOFF) == batch_of(rescored_home, PAST_CUTOFF)


def test_rows_after_the_training_cutoff_change_no_example_and_no_model(
    trained_home: EngineHome, tmp_path: Path
):
    home = trained_home.copy(tmp_path / "home")
    home.deliver(rewritten_future(3, CUTOFF))
    result = home.call("train", "--cutoff", CUTOFF.isoformat()).result
    assert result["new"] is False
    tables = ("int_training_examples", "int_monthly_revenue", "int_training_windows")
    for table in tables:
        with home.warehouse() as ours, trained_home.warehouse() as theirs:
            assert table_hash(ours, f"intermediate.{table}") == table_hash(
                theirs, f"intermediate.{table}"
            )
