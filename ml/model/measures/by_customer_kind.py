"""Accuracy by kind of customer: who is predicted well, and who is not.

A single figure hides that a forecast can be right for one-off buyers and wrong for the best
customers. Two ways to tell customers apart are on the card: by value tier and by age.
"""

from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# A customer whose first order in the whole log is at most so many days old is new.
NEW_CUSTOMER_DAYS = 90


def accuracy_by_kind(
    actual: FloatArray,
    predicted: FloatArray,
    customer_age_days: FloatArray,
    *,
    value_tiers: tuple[float, ...],
) -> list[dict[str, Any]]:
    """One row per kind of customer: kind, segment, customers, mean_predicted, mean_actual, mae.

    actual, predicted: money, (customers,). customer_age_days: days since the first order in the
    whole log, (customers,). value_tiers: growing per cents, as in the config. Kinds
    without customers are left out.

    >>> rows = accuracy_by_kind(
    ...     np.array([9.0, 0.0, 1.0]), np.array([8.0, 1.0, 2.0]), np.array([300.0, 20.0, 300.0]),
    ...     value_tiers=(20,),
    ... )
    >>> [(row["segment"], row["customers"], row["mae"]) for row in rows]
    [('Top 20%', 1, 1.0), ('the rest', 2, 1.0), ('new, 90 days or less', 1, 1.0), ...]
    """
    is_new = customer_age_days <= NEW_CUSTOMER_DAYS
    kinds = [
        *(("value tier", name, tier) for name, tier in _tiers(predicted, value_tiers)),
        ("tenure", f"new, {NEW_CUSTOMER_DAYS} days or less", is_new),
        ("tenure", f"older than {NEW_CUSTOMER_DAYS} days", ~is_new),
    ]
    return [
        {"kind": kind, "segment": name} | _accuracy(actual[members], predicted[members])
        for kind, name, members in kinds
        if members.any()
    ]


def _tiers(
    predicted: FloatArray, value_tiers: tuple[float, ...]
) -> list[tuple[str, NDArray[np.bool_]]]:
    """Name and members of each tier: by the rule of macros/value_tiers.sql, "Top p%" ends at the
    rank ceil(p / 100 * customers)."""
    count = len(predicted)
    rank = np.empty(count)
    rank[np.argsort(-predicted, kind="stable")] = np.arange(count)
    # exact, as in SQL: 7 % of 100 is 7, not the 8 of a double that was rounded up
    last = [ceil(Fraction(f"{share:.4f}") / 100 * count) for share in value_tiers]
    ends = [0, *last, count]
    names = [*(f"Top {share:g}%" for share in value_tiers), "the rest"]
    return [
        (name, (rank >= ends[place]) & (rank < ends[place + 1])) for place, name in enumerate(names)
    ]


def _accuracy(actual: FloatArray, predicted: FloatArray) -> dict[str, float]:
    """Figures of the customers of one kind, money."""
    return {
        "customers": len(actual),
        "mean_predicted": float(predicted.mean()),
        "mean_actual": float(actual.mean()),
        "mae": float(np.abs(actual - predicted).mean()),
    }
