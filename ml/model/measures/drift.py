"""Has the champion become worse? One matured window compared with the model's own record.

1. At training, the recipe was tried on earlier windows: the record says how wrong it was there.
2. A matured window is compared with that record, never with perfection.
3. Two things can change: the error in relation to spending, and the lead over the rivals that were
   frozen with the model. (The total is held against the interval that was published for it.)
4. Each is a logarithm or a difference, so 0 means "as at training", and has an interval.
5. Noise of the window, noise of the record, and the usual spread between windows widen the
   interval. An interval without 0 is drift: fewer than one stable window in twenty.

    change = statistic of the window - mean of the record
    variance = sampling error of the window^2 + spread between windows^2
               + (sampling error of the record^2 + spread between windows^2) / windows of the record

Sampling errors come from the delete-a-group jackknife (Efron & Tibshirani 1993, An Introduction to
the Bootstrap, ch. 11): leave out one group of customers after the other and see how the statistic
moves. Beside a bootstrap it needs no random numbers, and a million customers take as long as a
thousand. The verdict is in SQL (macros/drift_rule.sql): thresholds on RMSE, R2 and segments, the
total in its interval, and what counts as worse.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from ml.model.measures.bootstrap import paired_bootstrap
from ml.model.measures.metrics import METRICS, decile_calibration, interval_coverage
from ml.model.measures.tweedie import null_deviance, tweedie_deviance

FloatArray = NDArray[np.float64]

RESAMPLES = 200
GROUPS = 200
# Confidence of each interval; both count in one direction only.
CONFIDENCE = {"error": 0.95, "lead": 0.95}
# Standard deviation between windows of a world that does not change, where a record of few
# windows cannot show it: of log error, and of the difference in D2.
USUAL_SPREAD = {"error": 0.08, "lead": 0.02}
RIVALS = ("predicted_naive", "predicted_pareto_nbd")
# Columns of clv_predictions_actual that a measurement reads.
READ = ("actual_clv", "predicted_clv", "predicted_clv_low", "predicted_clv_high", *RIVALS)


@dataclass(frozen=True)
class Yardstick:
    """Statistics of one window of one model, each with its sampling error.

    error: log of mean absolute error over mean revenue. level: log of actual over predicted
    total. lead: D2 of the model less that of its best rival. NaN where undefined.
    """

    error: float
    error_se: float
    level: float
    level_se: float
    lead: float
    lead_se: float


def yardstick(actual: FloatArray, predicted: FloatArray, rivals: list[FloatArray]) -> Yardstick:
    """Statistics of a window from per-customer money, each (customers,) in a fixed order.

    The customers are dealt to the groups of the jackknife in turn. Every statistic is a function
    of column means, so leaving a group out is a subtraction.

    >>> four = yardstick(np.array([0.0, 10, 30, 40]), np.array([10.0, 10, 20, 60]), [])
    >>> round(four.error, 3), round(four.level, 3)  # log(10 / 20), log(80 / 100)
    (-0.693, -0.223)
    """
    spent = np.maximum(actual, 0.0)
    deviances = [tweedie_deviance(spent, forecast) for forecast in (predicted, *rivals)]
    rows = np.column_stack(
        [np.abs(actual - predicted), spent, predicted, *deviances, np.sqrt(spent)]
    )
    values = _statistics(rows.mean(axis=0))
    groups = min(GROUPS, len(rows))
    sums = np.array([rows[start::groups].sum(axis=0) for start in range(groups)])
    sizes = np.array([len(rows[start::groups]) for start in range(groups)])
    errors = np.full(3, np.nan)
    if groups > 1:
        rest = (rows.sum(axis=0) - sums) / (len(rows) - sizes)[:, None]
        left_out = np.array([_statistics(means) for means in rest])
        errors = np.sqrt((groups - 1) * left_out.var(axis=0))
    (error, level, lead), (error_se, level_se, lead_se) = values.tolist(), errors.tolist()
    return Yardstick(
        error=error,
        error_se=error_se,
        level=level,
        level_se=level_se,
        lead=lead,
        lead_se=lead_se,
    )


def compare(now: Yardstick, record: list[Yardstick]) -> dict[str, dict[str, float]]:
    """Change, low and high of error and lead against the record of the model; NaN without one."""
    return {name: _change(name, now, record) for name in USUAL_SPREAD}


def measure_window(
    window: pd.DataFrame, record: list[Yardstick], *, seed: int
) -> dict[str, float | int]:
    """All figures of one matured window: READ of its customers, in an order that repeats."""
    actual = window["actual_clv"].to_numpy(float)
    predicted = window["predicted_clv"].to_numpy(float)
    low, high = (window[f"predicted_clv_{side}"].to_numpy(float) for side in ("low", "high"))
    rivals = {name: window[name].to_numpy(float) for name in RIVALS if window[name].notna().all()}
    now = yardstick(actual, predicted, list(rivals.values()))
    changes = compare(now, record)
    figures: dict[str, float | int] = {
        "customers": len(window),
        "actual_total": float(actual.sum()),
        "predicted_total": float(predicted.sum()),
        "interval_coverage": interval_coverage(actual, low, high),
    }
    figures |= {name: score(actual, predicted) for name, score in METRICS.items()}
    for name, change in changes.items():
        figures |= {f"{name}_{key}": value for key, value in change.items()}
    for name in RIVALS:
        figures |= _lead_over(name, actual, predicted, rivals.get(name), seed)
    return figures


def frozen_record(
    windows: list[tuple[FloatArray, FloatArray, list[FloatArray]]],
) -> dict[str, list[dict[str, float | None]]]:
    """What the card keeps of a model's out-of-time windows (actual, predicted, rivals).

    yardsticks: one per window, None where undefined. calibration: by tenth of the customers, 1 =
    highest predicted, mean predicted and actual money of the first (newest) window.
    """
    yardsticks = [asdict(yardstick(*window)) for window in windows]
    calibration = decile_calibration(*windows[0][:2]) if windows else pd.DataFrame()
    return {"yardsticks": [_without_nan(figures) for figures in yardsticks]} | {
        "calibration": [_without_nan(row) for row in calibration.to_dict("records")]
    }


def record_of(card: dict[str, Any]) -> list[Yardstick]:
    """The out-of-time yardsticks on a model's card, empty where it has none or is no more."""
    return [
        Yardstick(**{name: math.nan if value is None else value for name, value in stored.items()})
        for stored in card.get("baseline", {}).get("yardsticks", [])
    ]


def _without_nan(figures: dict[Any, Any]) -> dict[str, float | None]:
    """The figures as JSON allows them."""
    return {
        str(name): float(value) if math.isfinite(value) else None for name, value in figures.items()
    }


def _lead_over(
    name: str, actual: FloatArray, predicted: FloatArray, rival: FloatArray | None, seed: int
) -> dict[str, float]:
    """D2 of the model less that of a rival on the same customers, 90 % paired bootstrap."""
    short = name.removeprefix("predicted_")
    keys = [f"lead_over_{short}", f"lead_over_{short}_low", f"lead_over_{short}_high"]
    if rival is None:
        return dict.fromkeys(keys, float("nan"))
    lead = paired_bootstrap(actual, predicted, rival, metric="d2", seed=seed, resamples=RESAMPLES)
    return dict(zip(keys, (lead.difference, lead.low, lead.high), strict=True))


def _statistics(means: FloatArray) -> FloatArray:
    """error, level and lead from mean columns of `yardstick`."""
    error, spent, predicted = means[:3]
    deviances, root = means[3:-1], means[-1]
    if spent <= 0 or predicted <= 0:
        return np.full(3, np.nan)
    null = null_deviance(spent, root, 1)
    has_lead = len(deviances) > 1 and null > 0
    lead = (deviances[1:].min() - deviances[0]) / null if has_lead else np.nan
    relative_error = np.log(error / spent) if error > 0 else np.nan
    return np.array([relative_error, np.log(spent / predicted), lead])


def _change(name: str, now: Yardstick, record: list[Yardstick]) -> dict[str, float]:
    """Difference to the record's mean with its interval of CONFIDENCE."""
    usable = [earlier for earlier in record if np.isfinite(getattr(earlier, name))]
    before = [float(getattr(earlier, name)) for earlier in usable]
    if not before:
        return {"change": float("nan"), "low": float("nan"), "high": float("nan")}
    sampling = [getattr(earlier, f"{name}_se") ** 2 for earlier in usable]
    seen = float(np.var(before, ddof=1)) if len(before) > 1 else 0.0
    between = max(seen, USUAL_SPREAD[name] ** 2)
    # NaN, and so an unknown interval, where no window of the record was large enough to tell
    of_record = (float(pd.Series(sampling).mean()) + between) / len(before)
    variance = getattr(now, f"{name}_se") ** 2 + between + of_record
    change = getattr(now, name) - float(np.mean(before))
    width = float(norm.ppf(0.5 + CONFIDENCE[name] / 2) * np.sqrt(variance))
    return {"change": change, "low": change - width, "high": change + width}
