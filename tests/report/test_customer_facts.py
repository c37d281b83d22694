"""`explain`: one customer from the marts, in words and as JSON, and what it never tells."""

from datetime import date
from typing import Any

import pytest
from conftest import (
    CUTOFF,
    LAST_DAY,
    PAST_CUTOFF,
    SECOND_CUTOFF,
    EngineHome,
    frame,
    line,
    transaction_log,
)

from ml.home.errors import CallError, DataNotReadyError
from ml.home.layout import Home
from ml.report.answers import ExplainAnswer
from ml.report.customer_facts import explain
from ml.terminal.customer import of_customer
from ml.terminal.look import plain_text, sparkline

NO_ONE = "no such customer; write the id exactly as it is in the files: 007 is not 7"


def told(home: EngineHome, customer: str, cutoff: date | None = None) -> ExplainAnswer:
    return explain(Home(home.root), customer, cutoff)


def words(found: ExplainAnswer, width: int = 200) -> str:
    return plain_text(of_customer(found), width)


@pytest.fixture(scope="module")
def buyer(rescored_home: EngineHome) -> str:
    """The customer with most orders who stands in every batch."""
    rows = rescored_home.rows(
        "select customer_id from marts.customer_rfm group by customer_id"
        " having count(distinct cutoff) = 3 order by sum(order_count) desc, customer_id limit 1"
    )
    return rows[0][0]


def test_the_prediction_is_that_of_the_newest_batch_with_rank_tier_kind_and_drivers(
    rescored_home: EngineHome, buyer: str
):
    found = told(rescored_home, buyer)
    (expected,) = rescored_home.rows(
        "select predicted_clv, predicted_clv_low, predicted_clv_high, clv_rank, value_tier,"
        " cluster_name from marts.clv_ranked_predictions inner join marts.clv_clusters"
        f" using (customer_id, cutoff, model_id)"
        f" where customer_id = '{buyer}' and cutoff = date '{SECOND_CUTOFF}'"
    )
    names = ("predicted_clv", "predicted_clv_low", "predicted_clv_high", "clv_rank")
    names += ("value_tier", "cluster_name")
    assert found.prediction.cutoff == SECOND_CUTOFF
    assert tuple(getattr(found.prediction, name) for name in names) == expected
    drivers = rescored_home.rows(
        "select driver_text from marts.clv_drivers"
        f" where customer_id = '{buyer}' and cutoff = date '{SECOND_CUTOFF}' order by driver_rank"
    )
    assert [(driver.driver_text,) for driver in found.drivers] == drivers
    text = words(found)
    assert f"expected revenue  ${expected[0]:,.2f}\n" in text
    assert f"${expected[1]:,.2f} to ${expected[2]:,.2f}" in text
    assert f"{expected[4]}, rank {expected[3]:,} of" in text
    assert expected[5] in text
    assert drivers[0][0].rpartition(": ")[0] in text


def test_the_past_is_the_log_by_month_with_the_quiet_months(rescored_home: EngineHome, buyer: str):
    log = transaction_log()
    log = log[log["customer_id"] == buyer].assign(
        amount=log["quantity"] * log["unit_price"],
        month=log["order_ts"].dt.strftime("%Y-%m"),
    )
    by_month = log.groupby("month")["amount"].sum().round(4)
    past = told(rescored_home, buyer).history
    assert past.net_revenue == pytest.approx(log["amount"].sum())
    assert past.months[0].month == by_month.index[0]
    assert past.months[-1].month == f"{LAST_DAY:%Y-%m}"
    revenue = {month.month: month.net_revenue for month in past.months}
    assert {month: found for month, found in revenue.items() if found} == pytest.approx(
        by_month[by_month != 0].to_dict()
    )
    assert len(revenue) == len({*revenue}) > len(by_month) - 1


def test_features_are_in_words_beside_the_median_of_the_batch(
    rescored_home: EngineHome, buyer: str
):
    (expected,) = rescored_home.rows(
        f"select max(recency_days) filter (customer_id = '{buyer}')::double,"
        " median(recency_days) from marts.customer_rfm"
        f" where cutoff = date '{SECOND_CUTOFF}'"
    )
    recency = told(rescored_home, buyer).features[0]
    assert recency.words == "days since the last purchase"
    assert (recency.value, recency.batch_median) == expected


def test_all_batches_are_told_with_what_was_really_spent_where_the_window_matured(
    rescored_home: EngineHome, buyer: str
):
    found = told(rescored_home, buyer)
    assert [row.cutoff for row in found.batches] == [PAST_CUTOFF, CUTOFF, SECOND_CUTOFF]
    log = transaction_log()
    window = log["order_ts"].between("2011-10-01", "2012-01-01", inclusive="left")
    spent = log[window & (log["customer_id"] == buyer)].eval("quantity * unit_price").sum()
    assert found.batches[0].actual_clv == pytest.approx(spent)
    assert [row.actual_clv for row in found.batches[1:]] == [None, None]
    past = told(rescored_home, buyer, PAST_CUTOFF).prediction
    assert past.actual_clv == pytest.approx(spent)
    assert words(found).count(" open ") == 2


def test_a_customer_who_left_the_newest_batch_is_told_from_the_last_one_and_that_is_said(
    rescored_home: EngineHome,
):
    found = told(rescored_home, "DAY-BEFORE")  # bought on 2011-08-31 for the last time
    assert found.batch.cutoff == SECOND_CUTOFF
    assert found.prediction.cutoff == PAST_CUTOFF
    text = words(found)
    assert text.startswith("Not in the batch of 2012-03-14: no purchase from 2011-09-15")
    assert "The last batch with a prediction is that of 2011-09-30." in text


def test_a_batch_that_is_asked_for_is_not_replaced_by_another(rescored_home: EngineHome):
    found = told(rescored_home, "DAY-BEFORE", CUTOFF)
    assert found.prediction is None
    assert found.drivers == found.features == []
    assert "Not in the batch of 2012-02-29" in words(found)


@pytest.mark.parametrize("customer", ["RETURNS-ONLY", "LAST-DAY", "KEPT-NOTHING", "TIED-LINES"])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_kind_of_customer_fits_the_terminal(
    rescored_home: EngineHome, customer: str, width: int
):
    text = words(told(rescored_home, customer), width)
    assert customer in text.replace("\n", "")
    assert max(len(shown) for shown in text.splitlines()) <= width


def test_a_customer_who_only_returned_has_a_past_and_no_prediction(rescored_home: EngineHome):
    found = told(rescored_home, "RETURNS-ONLY")
    assert found.prediction is None
    assert found.history.first_purchase is None
    assert "never: only returns" in words(found)


def test_an_unknown_customer_is_refused_without_naming_anyone(rescored_home: EngineHome):
    for unknown in ("c0001", "TWIN-", "' or 1=1 --", ""):
        with pytest.raises(CallError) as caught:
            told(rescored_home, unknown)
        assert str(caught.value) == NO_ONE


def test_a_cutoff_that_was_not_scored_is_refused_with_the_nearest_that_was(
    rescored_home: EngineHome, buyer: str
):
    with pytest.raises(CallError, match=r"2012-03-01: not scored; the nearest batch is 2012-02-29"):
        told(rescored_home, buyer, date(2012, 3, 1))


def test_without_a_load_and_without_a_batch_it_says_what_to_do(
    new_home: Any, trained_home: EngineHome
):
    with pytest.raises(DataNotReadyError, match="load"):
        told(new_home(), "C1")
    found = told(trained_home, "TWIN-1")
    assert found.batch is found.prediction is None
    assert found.history.order_count == 2
    assert "No batch is scored yet" in words(found)


def test_ids_are_text_and_refused_lines_are_explained(new_home: Any):
    home = new_home(max_rejected_share="1")
    lines = [line("007", LAST_DAY), line("\x1b[31mRED", LAST_DAY), line("BAD", LAST_DAY)]
    home.deliver(frame(lines).assign(unit_price=[1.0, 2.0, float("nan")]))
    home.call("load")
    assert told(home, "007").history.net_revenue == 1.0
    with pytest.raises(CallError, match="007 is not 7"):
        told(home, "7")
    with pytest.raises(CallError, match=r"was refused \(.* 1\)"):
        told(home, "BAD")
    assert "\x1b" not in words(told(home, "\x1b[31mRED"))


def test_the_command_prints_words_or_one_object_and_refuses_with_exit_code_two(
    rescored_home: EngineHome, buyer: str, capfd: pytest.CaptureFixture[str]
):
    found = rescored_home.call("explain", buyer, "--cutoff", str(PAST_CUTOFF)).result
    assert found["customer_id"] == buyer
    assert found["prediction"]["cutoff"] == str(PAST_CUTOFF)
    assert isinstance(found["history"]["net_revenue"], float)
    assert rescored_home.call("explain", "nobody", expect=2).message == f"error: {NO_ONE}"


def test_a_sparkline_shows_nothing_little_much_and_less_than_nothing():
    assert sparkline([0, 1, 8, -2]) == "·▂█-"
    assert sparkline([0, -3]) == "·-"
    assert sparkline([]) == ""


def test_an_id_is_found_as_loads_read_it(new_home: Any):
    home = new_home()
    home.deliver(frame([line("Anna@Mail.example", date(2011, 6, 1))]), "log.csv")
    home.call("load")
    for spelled in ("anna@mail.example", " ANNA@mail.example"):
        assert home.call("explain", spelled).result["customer_id"] == "anna@mail.example"
