"""Where the windows of a training lie, and what their months are like.

A cutoff is a day. The history window ends with it, the label window begins on the next day; both
are calendar months long. Two windows of equal length are still not alike:

1. A young log covers only the newest months of a history window: the observed months.
2. December is not February: each window has a mean season index.

Forecasts divide by the first and the second, so that customers of all cutoffs can be put together.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.model.forecast.season import Season, fit_season

FloatArray = NDArray[np.float64]

DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class WindowContext:
    """What the window of each row is like, arrays of shape (customers,).

    observed_months: months of history that the log covers, at most the history window.
    history_season, label_season: mean season index over those months, and over the label window.
    """

    observed_months: FloatArray
    history_season: FloatArray
    label_season: FloatArray


@dataclass(frozen=True)
class Windows:
    """Lengths of the windows in months, the season, and where the log begins.

    log_start: first whole month the log covers, None if every training window is covered.
    """

    history_months: int
    pred_months: int
    log_start: pd.Timestamp | None
    season: Season

    def context(self, cutoffs: pd.Series) -> WindowContext:
        """Observed months and seasons per row, worked out once per cutoff."""
        codes, days = pd.factorize(pd.to_datetime(cutoffs))
        by_cutoff = np.array([self._of(day + DAY) for day in days], float).reshape(-1, 3)
        observed, history, label = by_cutoff[codes].T
        return WindowContext(observed_months=observed, history_season=history, label_season=label)

    def _of(self, start: pd.Timestamp) -> tuple[float, float, float]:
        """Observed months, history season and label season if the label window starts there."""
        observed = self.history_months
        if self.log_start is not None:
            observed = min(observed, whole_months(self.log_start, start))
        history = self.season.factor(start, -max(observed, 1))
        return float(observed), history, self.season.factor(start, self.pred_months)


def fit_windows(
    examples: pd.DataFrame, monthly_revenue: pd.DataFrame, cutoff: pd.Timestamp
) -> Windows:
    """Windows of the examples with the season known at the cutoff.

    examples: rows with history_months, pred_months, cutoff and observed_months. monthly_revenue:
    as for fit_season().
    """
    history, pred = (int(examples[name].iloc[0]) for name in ("history_months", "pred_months"))
    season = fit_season(monthly_revenue, cutoff=cutoff, pred_months=pred)
    return Windows(
        history_months=history,
        pred_months=pred,
        log_start=_log_start(examples[examples["observed_months"] < history]),
        season=season,
    )


def _log_start(partial: pd.DataFrame) -> pd.Timestamp | None:
    """First month of the log, from the examples whose history it covers only in part."""
    if partial.empty:
        return None
    newest = partial["cutoff"].max()
    observed = int(partial.loc[partial["cutoff"] == newest, "observed_months"].iloc[0])
    return pd.Timestamp(newest) + DAY - pd.DateOffset(months=observed)


def whole_months(first: pd.Timestamp, last: pd.Timestamp) -> int:
    """Whole calendar months from first to last, 0 or more.

    >>> whole_months(pd.Timestamp("2021-01-15"), pd.Timestamp("2021-04-14"))
    2
    """
    months = (last.year - first.year) * 12 + last.month - first.month
    return max(months - int(first + pd.DateOffset(months=months) > last), 0)
