"""Groups of customers in words: the text says which ranks a tier holds, and who is meant."""

import pytest

from ml.home.segment_text import segment_in_words, tier_range, tier_with_range

TIERS = ["Top 1%", "Top 5%", "Top 20%", "Bottom 80%"]


@pytest.mark.parametrize(
    ("tier", "said"),
    [
        ("Top 1%", "Top 1%"),
        ("Top 5%", "Top 5% (1 to 5 %)"),
        ("Top 20%", "Top 20% (5 to 20 %)"),
        ("Bottom 80%", "Bottom 80% (20 to 100 %)"),
    ],
)
def test_a_tier_is_said_with_the_ranks_it_holds(tier: str, said: str):
    assert tier_with_range(tier, TIERS) == said
    assert tier_with_range(tier, reversed(TIERS)) == said


def test_a_tier_starts_where_the_last_tier_with_customers_ends():
    assert tier_range("Top 20%", ["Top 1%", "Top 20%"]) == "1 to 20 %"


def test_shares_with_decimals_stay_as_they_are():
    assert tier_range("Top 2.5%", ["Top 0.1%", "Top 2.5%"]) == "0.1 to 2.5 %"


@pytest.mark.parametrize("text", ["the rest", "new, 90 days or less", "Frequent", "<b>Top 5%</b>"])
def test_a_text_that_is_no_tier_stays_as_it_is(text: str):
    assert tier_with_range(text, TIERS) == text


@pytest.mark.parametrize(
    ("kind", "segment", "said"),
    [
        ("value tier", "Top 5%", "value tier Top 5% (1 to 5 %)"),
        ("cluster", "Frequent", "cluster Frequent"),
        ("order-value half", "up to 20.00", "mean order value up to 20.00"),
        (
            "tenure half",
            "first order over 90 days ago",
            "customers with first order over 90 days ago",
        ),
        ("tenure band", "tenure 0 to 90 days", "tenure 0 to 90 days"),
        ("tenure half", "over 228 days", "tenure over 228 days"),
    ],
)
def test_a_segment_is_said_as_a_person_says_it(kind: str, segment: str, said: str):
    assert segment_in_words(kind, segment, TIERS) == said
