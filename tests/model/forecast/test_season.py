"""The season index and its gates."""

import numpy as np
import pandas as pd
import pytest

from ml.model.forecast.season import Season, fit_season

SHAPE = np.array([0.6, 0.6, 0.8, 0.9, 0.9, 1.0, 1.0, 1.0, 1.1, 1.3, 1.6, 1.2])
CUTOFF = pd.Timestamp("2021-12-31")


def months(count: int, *, growth: float = 1.0, shape: np.ndarray = SHAPE) -> pd.DataFrame:
    """Calendar months up to CUTOFF, a year apart by `growth`, equal but for the shape a day."""
    index = pd.period_range(end="2021-12", periods=count, freq="M")
    age = np.arange(count)[::-1]
    a_day = shape[index.month - 1] * growth ** (-age / 12)
    return pd.DataFrame(
        {
            "month": index.to_timestamp(),
            "day_count": index.days_in_month,
            "net_revenue": 1000 * a_day * index.days_in_month,
        }
    )


def fit(frame: pd.DataFrame, pred_months: int = 3) -> Season:
    return fit_season(frame, cutoff=CUTOFF, pred_months=pred_months)


@pytest.mark.parametrize("growth", [0.8, 1.0, 1.4])
def test_the_index_is_the_shape_without_the_growth(growth: float) -> None:
    season = fit(months(24, growth=growth))
    assert season.is_applied
    assert np.allclose(season.index, SHAPE / SHAPE.mean(), rtol=1e-6)


def test_a_factor_is_the_mean_index_of_the_days_in_the_window() -> None:
    season = fit(months(24))
    first = pd.Timestamp("2022-01-01")
    expected = np.average(SHAPE[[0, 1, 2]], weights=[31, 28, 31]) / SHAPE.mean()
    assert season.factor(first, 3) == pytest.approx(expected)
    assert season.factor(first, -12) == pytest.approx(
        np.average(SHAPE, weights=months(12)["day_count"]) / SHAPE.mean()
    )


@pytest.mark.parametrize(
    ("frame", "pred_months", "reason"),
    [
        (months(14), 3, "15 needed"),
        (months(24), 12, "whole years"),
        (months(18, growth=0.3), 3, "factor 0.30"),
        (months(18, growth=2.0), 3, "factor 2.00"),
        (months(24).assign(net_revenue=0.0), 3, "no net revenue"),
    ],
)
def test_the_season_is_off_and_says_why(frame: pd.DataFrame, pred_months: int, reason: str) -> None:
    season = fit(frame, pred_months)
    assert not season.is_applied
    assert reason in season.reason
    assert season.index == (1.0,) * 12


def test_two_years_that_agree_may_grow_faster() -> None:
    assert fit(months(24, growth=2.0)).is_applied


def test_years_that_do_not_agree_have_no_season() -> None:
    noise = months(24)
    shifted = np.roll(noise["net_revenue"].to_numpy()[:12], 6)
    noise.loc[:11, "net_revenue"] = shifted
    assert "do not agree" in fit(noise).reason


def test_months_after_the_cutoff_and_partial_first_months_do_not_count() -> None:
    late = pd.DataFrame(
        {"month": [pd.Timestamp("2022-01-01")], "day_count": [31], "net_revenue": [1e9]}
    )
    partial = months(25)
    partial.loc[0, ["day_count", "net_revenue"]] = [5, 1.0]
    assert fit(pd.concat([months(24), late])) == fit(months(24)) == fit(partial)
