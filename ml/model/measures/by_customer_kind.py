"""Accuracy by kind of customer: who is predicted well, and who is not."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Shares of the customers, best predicted first, as the value tiers of the default config.
TIERS = (0.01, 0.05, 0.10, 0.20, 0.50, 1.0)
NEW_DAYS = 90


def segment_metrics(
    actual: FloatArray, predicted: FloatArray, tenure_days: FloatArray
) -> list[dict[str, Any]]:
    """One row per segment: kind, segment, customers, means of predicted and actual, MAE.

    actual, predicted: money, (customers,). Segments without customers are left out.
    """
    order = np.argsort(-predicted, kind="stable")
    rank = np.empty(len(order))
    rank[order] = np.arange(len(order))
    found, above = [], 0.0
    for share in TIERS:
        inside = (rank >= np.ceil(above * len(rank))) & (rank < np.ceil(share * len(rank)))
        name = f"Top {share:.0%}" if share < 1 else "the rest"
        found.append(_figures("value tier", name, inside, actual, predicted))
        above = share
    is_new = tenure_days <= NEW_DAYS
    found.append(_figures("tenure", f"new, {NEW_DAYS} days or less", is_new, actual, predicted))
    found.append(_figures("tenure", f"older than {NEW_DAYS} days", ~is_new, actual, predicted))
    return [row for row in found if row["customers"]]


def _figures(
    kind: str, name: str, inside: NDArray[np.bool_], actual: FloatArray, predicted: FloatArray
) -> dict[str, Any]:
    count = int(inside.sum())
    if not count:
        return {"kind": kind, "segment": name, "customers": 0}
    return {
        "kind": kind,
        "segment": name,
        "customers": count,
        "mean_predicted": float(predicted[inside].mean()),
        "mean_actual": float(actual[inside].mean()),
        "mae": float(np.abs(actual[inside] - predicted[inside]).mean()),
    }
