"""Value tiers in words: the text says which ranks a tier holds."""

import pytest

from ml.home.tier_text import tier_range, tier_with_range

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
