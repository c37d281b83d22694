"""Accuracy of one forecast on the customers of one window, as commands answer it."""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from ml.model.measures.metrics import METRICS


@dataclass(frozen=True)
class Figures:
    """Every metric of ml.model.measures.metrics, None (or NaN) where it is undefined."""

    rmse: float | None
    mae: float | None
    r2: float | None
    d2: float | None
    normalised_gini: float | None
    spearman: float | None
    top_decile_share: float | None
    bias: float | None


def figures_of(actual: ArrayLike, predicted: ArrayLike) -> Figures:
    """The figures of a forecast of money, both shape (customers,)."""
    return Figures(**{name: metric(actual, predicted) for name, metric in METRICS.items()})
