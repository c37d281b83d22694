"""Who moved between value tiers since the batch before, of a model with the same windows.

dbt_project/analyses/movers_between_tiers.sql counts the same for analysts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
# what a customer did since the batch before, in the order of the page
MOVES = ("moved up", "stayed", "moved down", "came in", "left")


@dataclass(frozen=True)
class Move:
    """Customers of one of MOVES: how many, and what they were and are expected to bring."""

    name: str
    customers: int
    revenue_before: float
    revenue_now: float


@dataclass(frozen=True)
class Movement:
    """Customers of two batches, `before` and `now`, by their tiers in both.

    tiers: of both batches, best first. counts: tier before -> tier now -> customers; None: not in
    that batch. moves and counts are empty where the batches do not have the same tiers: then
    nobody can be said to have moved.
    """

    before: Row
    now: Row
    tiers: list[str]
    moves: list[Move]
    counts: dict[str | None, dict[str | None, int]]

    def customers(self, name: str) -> int:
        """How many customers made a move of MOVES; 0 where nothing is known."""
        return next((move.customers for move in self.moves if move.name == name), 0)


def batch_before(batches: Sequence[Row]) -> Row | None:
    """The last batch before the newest whose model has the same windows; None without one."""
    *earlier, newest = batches
    windows = ("history_months", "pred_months")
    for batch in reversed(earlier):
        if all(batch[name] == newest[name] for name in windows):
            return batch
    return None


def movement(before: Row, now: Row, tiers: list[str], rows: list[Row]) -> Movement:
    """The movement between two batches.

    tiers: of the batch now, best first. rows: as the query `movements` gives them.
    """
    tiers_before = {row["tier_before"] for row in rows} - {None}
    if tiers_before != {*tiers}:
        return Movement(before, now, tiers, [], {})
    groups: dict[str, list[Row]] = {name: [] for name in MOVES}
    counts: dict[str | None, dict[str | None, int]] = {
        tier: dict.fromkeys([*tiers, None], 0) for tier in [*tiers, None]
    }
    for row in rows:
        groups[_move(row["tier_before"], row["tier_now"], tiers)].append(row)
        counts[row["tier_before"]][row["tier_now"]] = row["customers"]
    return Movement(before, now, tiers, [_sum(*group) for group in groups.items()], counts)


def _move(before: str | None, now: str | None, tiers: list[str]) -> str:
    if before is None:
        return "came in"
    if now is None:
        return "left"
    change = tiers.index(now) - tiers.index(before)
    return "stayed" if change == 0 else "moved up" if change < 0 else "moved down"


def _sum(name: str, rows: list[Row]) -> Move:
    return Move(
        name,
        sum(row["customers"] for row in rows),
        sum(row["revenue_before"] for row in rows),
        sum(row["revenue_now"] for row in rows),
    )
