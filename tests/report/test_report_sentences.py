"""Sentences of the report, each beside the query on the marts that proves it."""

import json
import math
import re
from collections.abc import Callable
from datetime import date
from itertools import permutations
from pathlib import Path

import duckdb
import pytest
from conftest import (
    CUTOFF,
    HISTORY_MONTHS,
    LAST_DAY,
    SECOND_CUTOFF,
    EngineHome,
    transaction_log,
)
from report_pages import Elements, written

from ml.home import number_text
from ml.home.dates import history_start
from ml.report.facts import Window
from ml.report.words import day, window_finding

HISTORY = history_start(SECOND_CUTOFF, HISTORY_MONTHS)
# the customers of the newest batch as the log knows them, with their clusters
CUSTOMERS = f"""
select
    rfm.*,
    clusters.cluster_id,
    rfm.returned_revenue::double / rfm.gross_revenue::double as returned_revenue_share,
    days.largest_day::double / rfm.gross_revenue::double as max_day_revenue_share,
    days.products / rfm.purchase_day_count as mean_product_count
from marts.customer_rfm as rfm
join marts.clv_clusters as clusters using (customer_id, cutoff)
join (
    select customer_id, max(gross_revenue) as largest_day, sum(product_count) as products
    from intermediate.int_customer_days
    where activity_date between date '{HISTORY}' and date '{SECOND_CUTOFF}'
    group by customer_id
) as days using (customer_id)
where cutoff = date '{SECOND_CUTOFF}'
"""
NEWEST = "cutoff = (select max(cutoff) from marts.clv_batches)"


@pytest.fixture(scope="module")
def told(
    rescored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory
) -> tuple[EngineHome, Elements]:
    home = rescored_home.copy(tmp_path_factory.mktemp("sentences") / "home")
    return home, Elements(written(home))


def text_of(page: Elements, section: str) -> str:
    return re.sub(r"\s+", " ", page.text(section))


# Value tiers


def test_a_tier_holds_the_ranks_that_its_name_says(told: tuple[EngineHome, Elements]):
    home, page = told
    rows = home.rows(
        "select value_tier, min(clv_rank), max(clv_rank), count(*),"
        f" (select count(*) from marts.clv_ranked_predictions where {NEWEST})"
        f" from marts.clv_ranked_predictions where {NEWEST} group by value_tier order by 2"
    )
    text = text_of(page, "tiers")
    assert len(rows) > 2
    for tier, first, last, customers, everybody in rows:
        said = re.search(rf"{re.escape(tier)}(?: \((\S+) to (\S+) %\))? {customers:,} ", text)
        assert said is not None, tier
        low, high = (float(share or 0) for share in said.groups())
        high = high or float(re.sub(r"[^\d.]", "", tier))
        # "from 1 to 5 %" ends at the rank ceil(5 / 100 * customers)
        assert first == -(-low * everybody // 100) + 1
        assert last == -(-high * everybody // 100)


def test_no_tier_but_the_best_is_said_without_its_ranks(told: tuple[EngineHome, Elements]):
    home, page = told
    tiers = home.rows(
        f"select value_tier from marts.clv_ranked_predictions where {NEWEST}"
        " group by value_tier order by min(clv_rank)"
    )
    said = re.findall(r"(?:Top|Bottom) [\d.]+%(?! \()", text_of(page, "tiers"))
    assert {*said} <= {tiers[0][0]}


def test_the_best_customers_bring_what_the_heading_says(told: tuple[EngineHome, Elements]):
    home, page = told
    rows = home.rows(
        "select sum(count(*)) over (order by min(clv_rank)) / sum(count(*)) over (),"
        " sum(sum(predicted_clv)) over (order by min(clv_rank)) / sum(sum(predicted_clv)) over ()"
        f" from marts.clv_ranked_predictions where {NEWEST} group by value_tier order by 1"
    )
    customers, revenue = next(row for row in rows if row[1] >= 0.5)
    assert (
        f"The best {number_text.percent(float(customers))} of customers are expected to bring"
        f" {number_text.percent(float(revenue))} of the revenue"
    ).replace("\u202f", " ") in text_of(page, "tiers")


# Kinds of buyers


def test_every_word_of_a_cluster_stands_beside_the_medians_that_make_it_true(
    told: tuple[EngineHome, Elements],
):
    home, page = told
    text = text_of(page, "clusters")
    names = home.rows(
        f"select cluster_id, cluster_name from marts.clv_cluster_ranking where {NEWEST}"
    )
    assert len(names) > 1
    for cluster_id, name in names:
        for word in name.lower().split(", "):
            column, shown, sign = said_of(word)
            ((mine, everybody),) = home.rows(
                f"select median({column}) filter (cluster_id = {cluster_id}), median({column})"
                f" from ({CUSTOMERS})"
            )
            assert f"{word}: {shown(mine)} " in text
            assert f", all customers {shown(everybody)}" in text
            assert sign * (mine - everybody) > 0, (name, word)


def test_no_cluster_has_all_the_words_of_another_and_each_keeps_its_name(
    told: tuple[EngineHome, Elements],
):
    home, _ = told
    rows = home.rows("select distinct model_id, cluster_id, cluster_name from marts.clv_clusters")
    assert len({(model_id, cluster_id) for model_id, cluster_id, _ in rows}) == len(rows)
    sets = [{*name.lower().split(", ")} for _, _, name in rows]
    assert all(not mine <= other for mine, other in permutations(sets, 2))


def test_the_card_has_the_words_of_every_name_with_the_medians_of_its_training(
    told: tuple[EngineHome, Elements],
):
    home, _ = told
    (path,) = home.manifest.parent.glob("cards/*.json")
    words = json.loads(path.read_text(encoding="utf-8"))["clusters"]["words"]
    names = {one for (one,) in home.rows("select distinct cluster_name from marts.clv_clusters")}
    assert names <= {*words}
    for name, meanings in words.items():
        assert ", ".join(one["word"] for one in meanings).lower() == name.lower()
    ((recency,),) = home.rows(
        f"select median(recency_days) from marts.customer_rfm where cutoff = '{CUTOFF}'"
    )
    told_recency = {
        one["overall"] for mine in words.values() for one in mine if one["column"] == "recency_days"
    }
    assert told_recency <= {recency}


def said_of(word: str) -> tuple[str, Callable[[float], str], int]:
    """Column of a word, how its figure is written, and on which side of all customers it lies."""
    plain = re.sub("^(very|fairly) ", "", word)
    tight = {"lapsed": 1, "recent": -1}
    days = {"long-standing": 1, "new": -1, "newer": -1}
    baskets = {"big-basket": 1, "small-basket": -1}
    shares = {"one-off": 1, "uneven-spending": 1, "even-spending": -1}
    returns = {"return-prone": 1, "keeping goods": -1}
    ranges = {"broad-range": 1, "narrow-range": -1}
    counts = {"frequent": 1, "occasional": -1}

    def percent(value: float) -> str:
        return number_text.percent(value).replace("\u202f", " ")

    def money(value: float) -> str:
        return number_text.amount(value, "USD")

    kinds = (
        ("recency_days", number_text.whole, tight),
        ("customer_age_days", number_text.whole, days),
        ("tenure_days", number_text.whole, {"back after a pause": -1}),
        ("mean_order_value", money, baskets),
        ("max_day_revenue_share", percent, shares),
        ("returned_revenue_share", percent, returns),
        ("mean_product_count", number_text.rounded, ranges),
        ("purchase_day_count", number_text.rounded, counts),
    )
    for column, shown, sides in kinds:
        if plain in sides:
            return column, shown, sides[plain]
    raise ValueError(f"{word} is no word of a cluster")


# New customers


def test_new_customers_are_those_whose_first_order_in_the_log_is_90_days_old_or_less(
    told: tuple[EngineHome, Elements],
):
    home, page = told
    log = transaction_log()
    log["day"], log["amount"] = log["order_ts"].dt.date, log["quantity"] * log["unit_price"]
    orders = log.groupby(["customer_id", "day", "order_id"], as_index=False)["amount"].sum()
    first = orders[orders["amount"] > 0.00001].groupby("customer_id")["day"].min()
    text = text_of(page, "warnings")
    for cutoff in (CUTOFF, SECOND_CUTOFF):
        customers = [one for (one,) in home.rows(batch_of(cutoff))]
        new = [one for one in customers if (cutoff - first[one]).days <= 90]
        ((share, training),) = home.rows(
            "select value, reference from marts.early_warnings"
            f" where indicator = 'new_customer_share' and cutoff = '{cutoff}'"
        )
        assert share == pytest.approx(len(new) / len(customers))
        told_share = f"{number_text.percent(share)} at training {number_text.percent(training)}"
        assert told_share.replace("\u202f", " ") in text
    assert "first order in the whole log is 90 days old or less" in text


def batch_of(cutoff: date) -> str:
    return f"select customer_id from marts.clv_predictions where cutoff = '{cutoff}'"


def test_the_share_at_training_is_that_of_the_training_customers(
    told: tuple[EngineHome, Elements],
):
    home, _ = told
    ((reference, expected),) = home.rows(
        "select max(reference), (select avg((customer_age_days <= 90)::int)"
        f" from marts.customer_rfm where cutoff = '{CUTOFF}') from marts.early_warnings"
        " where indicator = 'new_customer_share'"
    )
    assert reference == pytest.approx(expected)


def test_a_share_that_the_training_does_not_know_is_said_as_a_dash(
    told: tuple[EngineHome, Elements], tmp_path: Path
):
    home = told[0].copy(tmp_path / "home")
    with duckdb.connect(home.database) as con:
        con.execute(
            "update marts.early_warnings set reference = null, distance = null"
            " where indicator = 'new_customer_share'"
        )
    assert "at training –" in text_of(Elements(written(home)), "warnings")


# What came, against what was predicted


def test_the_last_window_and_its_level_say_which_window_and_which_ratio_they_mean(
    told: tuple[EngineHome, Elements],
):
    home, page = told
    ((end, ratio, level),) = home.rows(
        "select window_end, actual_total / predicted_total, level_change"
        " from marts.drift_report where is_newest_revision order by cutoff desc limit 1"
    )
    difference = number_text.percent(abs(ratio - 1))
    brought = f"{difference} {'more' if ratio > 1 else 'less'} than predicted"
    if round(abs(ratio - 1), 2) == 0:
        brought = "what was predicted"
    sentence = f"The last finished window, to {day(end)}, brought {brought}"
    assert re.sub(r"\s", " ", sentence) in text_of(page, "window")
    assert "What came over what was predicted" in text_of(page, "drift")
    # the level that is drawn is that of the same sentence
    assert level == pytest.approx(math.log(ratio))


@pytest.mark.parametrize(
    ("actual", "brought"),
    [(102.0, "2 % more than predicted"), (77.0, "23 % less than predicted"), (100.4, "what was")],
)
def test_the_heading_of_the_last_window_names_the_window_and_the_prediction(
    actual: float, brought: str
):
    report = {"window_end": LAST_DAY, "predicted_total": 100.0, "actual_total": actual}
    sentence = re.sub(r"\s", " ", window_finding(Window(report, [], [], [])))
    assert sentence.startswith("The last finished window, to 20 Mar 2012, brought")
    assert brought in sentence
