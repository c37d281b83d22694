"""The drift rule: what is judged, what cannot be told, and what is never called fine."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT
from judged import QUIET, drift_report, verdicts
from scipy.stats import multivariate_normal, norm

NAN = float("nan")
WORLDS, WINDOWS = 400, 12


def one(**changed: Any) -> pd.Series:
    """The report of one window that is quiet but for what is changed."""
    return drift_report(pd.DataFrame([QUIET | changed])).iloc[0]


def test_a_window_as_at_training_is_ok():
    window = one()
    assert window["verdict"] == "ok"
    assert window["total_is_inside"]
    assert window["reason"] == "the total is inside its interval, and the error is as at training"


# No revenue


@pytest.mark.parametrize("actual", [0.0, -25.0])
def test_no_revenue_against_a_forecast_is_drift(actual: float):
    nothing = {"actual_total": actual, "r2": NAN, "error_low": NAN, "lead_high": NAN}
    window = one(**nothing, rmse=8.0, segment_z=NAN)
    assert window["verdict"] == "drift"
    assert window["reason"] == "nothing came of $1,000 expected"
    assert verdicts([nothing, nothing]) == ["drift", "sustained drift"]


def test_no_revenue_is_drift_whatever_the_interval_says():
    assert one(actual_total=0.0, predicted_total_low=0.0)["verdict"] == "drift"
    assert one(actual_total=0.0, predicted_total_low=NAN)["verdict"] == "drift"


def test_nobody_of_the_two_who_were_expected_is_no_drift_and_not_fine():
    window = one(actual_total=0.0, expected_buyers=2.0, error_low=NAN, lead_high=NAN)
    assert window["verdict"] == "cannot be told"
    assert pd.isna(window["total_is_inside"])
    assert window["reason"] == "2.0 buyers were expected, too few to judge the total"


def test_three_expected_buyers_stay_away_in_fewer_than_one_window_in_twenty():
    assert np.exp(-3) < 0.05 < np.exp(-2)


def test_a_window_of_which_nothing_was_expected_and_nothing_came_cannot_be_told():
    nothing = {"predicted_total": 0.0, "predicted_total_low": 0.0, "predicted_total_high": 0.0}
    nothing |= {"actual_total": 0.0, "expected_buyers": 0.0, "r2": NAN, "error_low": NAN}
    assert one(**nothing, lead_high=NAN)["verdict"] == "cannot be told"


# What cannot be told


@pytest.mark.parametrize("name", ["baseline", "customers", "interval"])
def test_what_is_not_known_is_never_ok(name: str):
    unknown = {
        "baseline": {"baseline_rmse": NAN, "baseline_r2": NAN, "error_low": NAN, "lead_high": NAN},
        "customers": {"customers": 19},
        "interval": {"predicted_total_low": NAN, "predicted_total_high": NAN},
    }[name]
    words = {
        "baseline": "the model has no record to compare the error with",
        "customers": "19 customer(s), too few to judge the error",
        "interval": "the total has no interval to judge it by",
    }
    window = one(**unknown)
    assert window["verdict"] == "cannot be told"
    assert window["reason"] == words[name]


def test_a_figure_that_is_no_number_passes_no_threshold_and_keeps_none():
    window = one(r2=NAN, rmse=NAN)
    assert pd.isna(window["rmse_is_breached"]) and pd.isna(window["r2_is_breached"])
    assert pd.isna(window["breached"])
    assert window["verdict"] == "ok"  # error and total were judged
    assert not one(r2=NAN)["breached"]
    assert one(r2=NAN, rmse=13.0)["verdict"] == "breach"


def test_no_interval_of_the_error_is_no_drift():
    assert one(error_low=NAN)["verdict"] == "ok"
    assert "no threshold was passed" in one(error_low=NAN)["reason"]
    assert one(lead_high=NAN)["verdict"] == "ok"


def test_whether_a_segment_left_the_rest_cannot_be_told_of_a_small_one():
    assert pd.isna(one(segment_z=-9.0, segment_customers=199)["segment_has_drifted"])
    assert pd.isna(one(segment_z=-9.0, usual_window_count=0)["segment_has_drifted"])
    assert pd.isna(one(segment_z=NAN)["segment_has_drifted"])
    assert not one(segment_z=-4.0)["segment_has_drifted"]
    window = one(segment_z=-9.0)
    assert window["verdict"] == "drift"
    assert window["reason"] == "cluster Frequent left the rest"


# The total and its interval


@pytest.mark.parametrize("actual", [799.0, 1251.0])
def test_a_total_outside_its_interval_is_a_breach_at_least(actual: float):
    window = one(actual_total=actual)
    assert window["verdict"] == "breach"
    assert not window["total_is_inside"]
    assert "the 80 % interval of the total ($800 to $1,250)" in window["reason"]


def test_a_total_at_the_end_of_its_interval_is_inside():
    assert one(actual_total=800.001)["verdict"] == one(actual_total=1249.999)["verdict"] == "ok"


def test_a_total_far_outside_is_drift_at_once():
    assert one(actual_total=600.0)["verdict"] == "drift"
    assert one(actual_total=600.0)["level_high"] < 0
    assert one(actual_total=1600.0)["level_low"] > 0
    mild = one(actual_total=700.0)
    assert mild["verdict"] == "breach" and mild["level_low"] < 0 < mild["level_high"]


def test_outside_twice_running_is_drift_and_then_sustained_drift():
    outside = {"actual_total": 790.0}
    found = ["breach", "drift", "sustained drift", "ok", "breach"]
    assert verdicts([outside, outside, outside, {}, outside]) == found
    assert verdicts([outside, {"actual_total": 1260.0}]) == ["breach", "breach"]


def test_outside_twice_is_never_ok_even_where_the_windows_are_nearly_the_same():
    outside = {"actual_total": 790.0, "pred_months": 6}
    assert verdicts([outside, outside, outside]) == ["breach"] * 3
    clear = {"actual_total": 670.0, "pred_months": 6}
    assert verdicts([clear, clear]) == ["breach", "drift"]
    rows = [QUIET | outside, QUIET | outside | {"cutoff": "2020-02-29"}]
    second = drift_report(pd.DataFrame(rows)).iloc[1]
    assert second["total_is_outside_twice"] and "as in the window before" in second["reason"]


def test_an_interval_that_starts_at_nothing_is_judged_too():
    assert one(predicted_total_low=0.0)["verdict"] == "ok"
    assert one(predicted_total_low=0.0, actual_total=1300.0)["verdict"] == "breach"


def test_an_interval_without_width_is_judged_too():
    exact = {"predicted_total_low": 1000.0, "predicted_total_high": 1000.0}
    assert one(**exact)["verdict"] == "ok"
    assert one(**exact, actual_total=1001.0)["verdict"] != "ok"


def test_the_distance_that_is_drift_by_itself_is_that_of_99_per_cent():
    text = (PROJECT / "macros" / "drift_rule.sql").read_text()
    factor = norm.ppf(0.995) / norm.ppf(0.9)
    assert f"{factor:.2f}" in text.split("macro far_outside()")[1].split("endmacro")[0]


@pytest.mark.parametrize("shared", [0.0, 0.25, 0.5, 0.75, 0.9])
def test_two_totals_outside_again_are_chance_in_one_pair_of_fifty_at_most(shared: float):
    limit = norm.ppf(0.9) * (1 + 0.815 * shared)
    both = multivariate_normal(np.zeros(2), np.array([[1, shared], [shared, 1]]))
    assert 2 * both.cdf([-limit, -limit]) <= 0.0205


@pytest.mark.parametrize("months", [1, 3, 6])
def test_the_total_of_a_shop_that_does_not_change_is_drift_in_few_windows(months: int):
    draw, worlds = np.random.default_rng(20240301), []
    cutoffs = pd.date_range("2020-01-31", periods=WINDOWS, freq="ME")
    half = np.log(1250 / 1000)
    for number in range(WORLDS):
        monthly = draw.normal(0, 1, WINDOWS + months)
        totals = np.convolve(monthly, np.ones(months) / np.sqrt(months), "valid")[:WINDOWS]
        actual = 1000 * np.exp(totals / norm.ppf(0.9) * half)
        worlds.append(
            pd.DataFrame({"cutoff": cutoffs, "model_id": f"W{number:03}", "actual_total": actual})
        )
    found = drift_report(pd.concat(worlds).assign(pred_months=months))
    assert found["verdict"].isin(["drift", "sustained drift"]).mean() <= 0.04
    outside = ~found["total_is_inside"].astype(bool)
    assert outside.mean() == pytest.approx(0.2, abs=0.03)
    assert (found.loc[outside, "verdict"] != "ok").all()


def test_a_level_that_is_off_by_a_third_is_found_within_three_windows():
    off = {"actual_total": 750.0}
    assert "drift" in verdicts([off, off, off])


# What was known at an earlier time


def test_an_earlier_measurement_is_compared_with_the_newest_of_the_window_before():
    first, late = {"actual_total": 790.0}, {"revision": 2, "actual_total": 1000.0}
    rows = [QUIET | first, QUIET | late, QUIET | first | {"cutoff": "2020-02-29"}]
    assert drift_report(pd.DataFrame(rows))["verdict"].tolist() == ["breach", "ok", "breach"]
