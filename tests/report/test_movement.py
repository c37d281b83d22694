"""Who moved between value tiers since the batch before."""

from datetime import date
from typing import Any

import pytest

from ml.report.movement import MOVES, batch_before, movement
from ml.report.words import movement_finding

TIERS = ["Top 1%", "Top 5%", "Bottom 95%"]
BEFORE, NOW = ({"cutoff": date(2020, month, 1)} for month in (1, 2))


def row(before: str | None, now: str | None, customers: int) -> dict[str, Any]:
    revenue = {"revenue_before": 0.0 if before is None else 10.0, "revenue_now": 7.0}
    return {"tier_before": before, "tier_now": now, "customers": customers} | revenue


ROWS = [
    row("Top 1%", "Top 1%", 3),
    row("Top 5%", "Top 1%", 2),
    row("Bottom 95%", "Top 1%", 1),
    row("Top 5%", "Bottom 95%", 4),
    row("Bottom 95%", "Bottom 95%", 90),
    row(None, "Top 5%", 5),
    row("Bottom 95%", None, 8),
]


def test_a_better_tier_is_up_a_worse_one_down_and_who_was_not_there_came_in():
    moved = movement(BEFORE, NOW, TIERS, ROWS)
    assert {name: moved.customers(name) for name in MOVES} == {
        "moved up": 3,
        "stayed": 93,
        "moved down": 4,
        "came in": 5,
        "left": 8,
    }
    assert [move.revenue_before for move in moved.moves] == [20, 20, 10, 0, 10]


def test_the_matrix_holds_everybody_once():
    moved = movement(BEFORE, NOW, TIERS, ROWS)
    assert [*moved.counts] == [*TIERS, None]
    assert sum(sum(counts.values()) for counts in moved.counts.values()) == 113
    assert moved.counts["Top 5%"] == {"Top 1%": 2, "Top 5%": 0, "Bottom 95%": 4, None: 0}
    assert moved.counts[None]["Top 5%"] == 5


@pytest.mark.parametrize("tiers", [["Top 2%", "Bottom 98%"], [*TIERS, "Top 10%"]])
def test_nobody_is_said_to_have_moved_between_other_tiers(tiers: list[str]):
    moved = movement(BEFORE, NOW, tiers, ROWS)
    assert (moved.moves, moved.counts) == ([], {})
    assert movement_finding(moved) == "Who moved from tier to tier"


def test_the_heading_counts_those_who_went_up_and_down():
    heading = movement_finding(movement(BEFORE, NOW, TIERS, ROWS)).replace("\xa0", " ")
    assert heading == "3 customers moved to a better tier since 1 Jan 2020, 4 to a worse one"


def test_the_batch_before_is_the_last_one_of_the_same_windows():
    def batch(month: int, history: int, pred: int) -> dict[str, Any]:
        day = date(2020, month, 1)
        return {"cutoff": day, "history_months": history, "pred_months": pred}

    batches = [batch(1, 6, 3), batch(2, 6, 3), batch(3, 9, 3), batch(4, 6, 6), batch(5, 6, 3)]
    assert batch_before(batches) == batches[1]
    assert batch_before(batches[:2]) == batches[0]
    assert batch_before(batches[:3]) is None
    assert batch_before(batches[:1]) is None
