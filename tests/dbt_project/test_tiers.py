"""The tier rule: the tiers up to "Top p%" hold exactly ceil(p * n) customers."""

import math
from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest
from conftest import CUTOFF, EngineHome, macro_sql

DEFAULT = ["1", "5", "10", "20", "50"]


def tiers_of(shares: list[str], counts: list[int]) -> dict[int, list[tuple[str, int, int, int]]]:
    """(tier, number, first_rank, last_rank) in rank order for every number of customers."""
    rule = macro_sql("value_tier_ranks('$n::bigint', 'model_config')", "value_tiers")
    con = duckdb.connect()
    con.execute("create table model_config (value_tiers varchar[])")
    con.execute("insert into model_config values (?)", [shares])
    return {n: con.execute(f"{rule} order by first_rank", {"n": n}).fetchall() for n in counts}


def expected(shares: list[str], n: int) -> list[tuple[str, int, int, int]]:
    """The rule in exact fractions; tiers with customers are numbered from the best, 1."""
    found, first = list[tuple[str, int, int, int]](), 1
    for share in shares:
        last = math.ceil(Fraction(share) / 100 * n)
        if last >= first:
            found.append((f"Top {share}%", len(found) + 1, first, last))
        first = max(first, last + 1)
    rest = Decimal(100) - Decimal(shares[-1])
    if rest > 0 and first <= n:
        found.append((f"Bottom {rest.normalize():f}%", len(found) + 1, first, n))
    return found


@pytest.mark.parametrize(
    ("shares", "counts"),
    [
        pytest.param(DEFAULT, list(range(1, 2001)), marks=pytest.mark.long),
        (["7"], list(range(1, 301))),
        (["0.5", "33.3333", "99.9"], list(range(1, 301))),
        (["100"], [1, 2, 99]),
        (["10", "100"], [1, 2, 99, 1000]),
        (["0.0001"], [1, 999_999, 1_000_000, 1_000_001]),
        (DEFAULT, [10**6, 10**9, 7 * 10**9 + 3]),
    ],
    ids=["default", "seven", "fractions", "all", "ten", "tiny", "large"],
)
def test_tiers_hold_exactly_the_ceiling_of_their_share(shares: list[str], counts: list[int]):
    for n, rows in tiers_of(shares, counts).items():
        assert rows == expected(shares, n), n


def test_a_share_that_is_whole_is_not_rounded_up():
    # 0.07 * 100 is 7.000000000000001 in binary
    assert tiers_of(["7"], [100])[100][0] == ("Top 7%", 1, 1, 7)


def test_one_customer_is_in_the_best_tier():
    assert tiers_of(DEFAULT, [1])[1] == [("Top 1%", 1, 1, 1)]


def test_tiers_of_a_batch_hold_exactly_the_ceiling_of_their_share(scored_home: EngineHome):
    rows = scored_home.rows(
        "select value_tier, value_tier_rank, min(clv_rank), max(clv_rank), count(*)"
        f" from marts.clv_ranked_predictions where cutoff = '{CUTOFF}'"
        " group by value_tier, value_tier_rank order by value_tier_rank"
    )
    customers = sum(count for *_, count in rows)
    assert [row[:4] for row in rows] == expected(DEFAULT, customers)
    assert all(count == last - first + 1 for *_, first, last, count in rows)


def test_ranks_follow_the_prediction_and_the_id_breaks_ties(scored_home: EngineHome):
    rows = scored_home.rows(
        "select predicted_clv, customer_id from marts.clv_ranked_predictions"
        f" where cutoff = '{CUTOFF}' order by clv_rank"
    )
    assert len({score for score, _ in rows}) < len(rows)
    assert rows == sorted(rows, key=lambda row: (-row[0], row[1]))


def test_percentile_is_the_share_ranked_here_or_behind(scored_home: EngineHome):
    rows = scored_home.rows(
        "select clv_percentile, clv_rank from marts.clv_ranked_predictions"
        f" where cutoff = '{CUTOFF}' order by clv_rank"
    )
    n = len(rows)
    assert [share for share, _ in rows] == pytest.approx(
        [100 * (n - rank + 1) / n for _, rank in rows]
    )
    assert rows[0][0] == 100
