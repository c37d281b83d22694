"""Accuracy by kind of customer: tiers end where the rule of the marts ends them."""

import numpy as np
import pytest

from ml.model.measures.by_customer_kind import NEW_CUSTOMER_DAYS, accuracy_by_kind


def kinds(count: int, value_tiers: tuple[float, ...]) -> dict[str, int]:
    """Customers by kind, of `count` customers who are all old and predicted differently."""
    money = np.arange(count, 0, -1.0)
    old = np.full(count, NEW_CUSTOMER_DAYS + 1.0)
    rows = accuracy_by_kind(money, money, old, value_tiers=value_tiers)
    return {row["segment"]: row["customers"] for row in rows}


@pytest.mark.parametrize(
    ("count", "share", "inside"), [(100, 7, 7), (7350, 1, 74), (200, 33.5, 67), (1, 1, 1)]
)
def test_a_tier_holds_the_ceiling_of_its_share_exactly(count: int, share: float, inside: int):
    assert kinds(count, (share,))[f"Top {share:g}%"] == inside


def test_every_customer_is_in_one_tier_and_kinds_without_customers_are_left_out():
    tiers = kinds(20, (1, 5, 10, 20, 50))
    assert tiers == {"Top 1%": 1, "Top 10%": 1, "Top 20%": 2, "Top 50%": 6, "the rest": 10} | {
        f"older than {NEW_CUSTOMER_DAYS} days": 20
    }


def test_a_customer_is_new_up_to_and_including_the_last_day():
    tenure = np.array([NEW_CUSTOMER_DAYS, NEW_CUSTOMER_DAYS + 1.0])
    rows = accuracy_by_kind(np.array([4.0, 9.0]), np.array([5.0, 7.0]), tenure, value_tiers=())
    by_name = {row["segment"]: row["mae"] for row in rows if row["kind"] == "tenure"}
    assert by_name == {"new, 90 days or less": 1.0, "older than 90 days": 2.0}
