"""Season: how much of a usual month's revenue each calendar month brings, and when to trust it.

1. Divide each month's revenue by its days, and bring all months to today's size by the growth of a
   year.
2. The mean of all Januaries over the mean of all months is the index of January.
3. A forecast of a window is made for a usual one, and multiplied by the mean index of its days.
4. An index of noise does more harm than no index. So it is used only if there are enough months,
   growth is steady, and the years agree on the shape.

    index(month) = mean over the years of (revenue a day x growth^(age in months / 12)), mean 1

growth is the revenue of the newest twelve months over that of the twelve before (of as many months
as have a year before them). The agreement is the correlation of the logarithms of the same two
stretches, growth taken out.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Fewer months hold too few pairs of the same calendar month to tell season from growth.
LEAST_MONTHS = 15
# Yearly growth beyond this factor either way is a closing cohort or a launch, not a season.
STEADY_GROWTH = 1.6
# Two whole years may grow faster if their shapes agree (correlation of log revenue).
TWO_YEARS, LIMIT_GROWTH, CLEAR_AGREEMENT = 24, 3.0, 0.6
# With this many pairs of months a lower agreement says that there is no season.
ENOUGH_PAIRS, NO_AGREEMENT = 6, 0.3
# A first calendar month with fewer active days than this share of the median month is a part.
WHOLE_MONTH_SHARE = 0.8


@dataclass(frozen=True)
class Season:
    """Month-of-year index (January first, mean 1) and the figures of the decision to use it.

    growth: revenue of the newest months over that of the same months a year before. agreement:
    correlation of log revenue of those two stretches. Both NaN below 13 months.
    """

    index: tuple[float, ...]
    is_applied: bool
    reason: str
    months: int
    growth: float
    agreement: float

    def factor(self, start: pd.Timestamp, months: int) -> float:
        """Mean index over the days [start, start + months); negative months reach back.

        >>> season = Season(
        ...     index=(0.5,) * 6 + (1.5,) * 6, is_applied=True, reason="", months=24, growth=1.0,
        ...     agreement=1.0,
        ... )
        >>> september, july = pd.Timestamp("2021-09-01"), pd.Timestamp("2021-07-01")
        >>> season.factor(september, 3), season.factor(july, -3)
        (1.5, 0.5)
        """
        edges = sorted([start, start + pd.DateOffset(months=months)])
        days = pd.date_range(edges[0], edges[1], inclusive="left")
        return float(np.asarray(self.index)[days.month - 1].mean()) if len(days) else 1.0


def fit_season(monthly_revenue: pd.DataFrame, *, cutoff: pd.Timestamp, pred_months: int) -> Season:
    """Index from the whole calendar months up to `cutoff`, without growth.

    monthly_revenue: month (first day), day_count (days with activity), net_revenue (money), one
    row per calendar month. Months back to back are brought to today's level by the yearly growth,
    then averaged by calendar month. Off (all ones) unless the gates of this module are passed.
    """
    months, revenue = _whole_months(monthly_revenue, cutoff)
    growth, agreement = _year_on_year(revenue)
    reason = _refusal(revenue, growth, agreement, pred_months)
    is_applied = not reason
    if not is_applied:
        index = np.ones(12)
    else:
        reason = f"{len(revenue)} months, yearly growth {growth:.2f}, agreement {agreement:.2f}"
        index = _index(months, revenue, growth)
    return Season(
        index=tuple(index.tolist()),
        is_applied=is_applied,
        reason=reason,
        months=len(revenue),
        growth=growth,
        agreement=agreement,
    )


def _index(months: NDArray[np.int64], revenue: FloatArray, growth: float) -> FloatArray:
    """Mean by calendar month of the revenue at today's size, mean 1, shape (12,)."""
    age = np.arange(len(revenue))[::-1]
    today = revenue * growth ** (age / 12)
    index = np.array([today[months == month].mean() for month in range(1, 13)])
    index /= index.mean()
    return index


def _whole_months(
    monthly_revenue: pd.DataFrame, cutoff: pd.Timestamp
) -> tuple[NDArray[np.int64], FloatArray]:
    """Calendar month and revenue a day of every whole month up to `cutoff`, oldest first."""
    frame = monthly_revenue.sort_values("month")
    figures = frame[["net_revenue", "day_count"]].astype(float)
    starts = pd.DatetimeIndex(frame["month"])
    table = figures.set_axis(starts)[starts + pd.offsets.MonthEnd(0) <= cutoff]
    if table.empty:
        return np.empty(0, np.int64), np.empty(0)
    every = pd.date_range(table.index[0], table.index[-1], freq="MS")
    table = table.reindex(every, fill_value=0.0)
    if table["day_count"].iloc[0] < WHOLE_MONTH_SHARE * table["day_count"].median():
        table, every = table.iloc[1:], every[1:]
    a_day = table["net_revenue"].to_numpy(float) / every.days_in_month.to_numpy(float)
    return every.month.to_numpy(np.int64), a_day


def _year_on_year(revenue: FloatArray) -> tuple[float, float]:
    """Growth and agreement of the newest months with the same months a year before."""
    pairs = min(len(revenue) - 12, 12)
    if pairs < 1 or (revenue <= 0).any():
        return float("nan"), float("nan")
    new, old = revenue[-pairs:], revenue[-pairs - 12 : len(revenue) - 12]
    growth = float(new.sum() / old.sum())
    if pairs < 3:
        return growth, float("nan")
    # the same detrending as in the index, so that growth alone is no agreement
    slope = np.log(growth) / 12 * np.arange(pairs)
    shapes = np.log(new) - slope, np.log(old) - slope
    if min(shape.std() for shape in shapes) < 1e-9:
        return growth, 0.0
    return growth, float(np.corrcoef(*shapes)[0, 1])


def _refusal(revenue: FloatArray, growth: float, agreement: float, pred_months: int) -> str:
    """Why the season is off, empty if it is on."""
    if pred_months >= 12:
        return "off: the predicted window holds whole years"
    if len(revenue) < LEAST_MONTHS:
        return f"off: {len(revenue)} whole months of data, {LEAST_MONTHS} needed"
    if not np.isfinite(growth):
        return "off: a month brought no net revenue"
    steady = 1 / STEADY_GROWTH <= growth <= STEADY_GROWTH
    clear = len(revenue) >= TWO_YEARS and agreement >= CLEAR_AGREEMENT
    if not steady and not (clear and 1 / LIMIT_GROWTH <= growth <= LIMIT_GROWTH):
        return f"off: revenue changed by the factor {growth:.2f} in a year"
    if len(revenue) - 12 >= ENOUGH_PAIRS and agreement < NO_AGREEMENT:
        return f"off: the years do not agree (correlation {agreement:.2f})"
    return ""
