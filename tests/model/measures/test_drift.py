"""The drift verdict on simulated worlds, and its figures by hand."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from judged import QUIET, drift_report, verdicts
from scipy.optimize import brentq
from scipy.stats import norm
from worlds import Window, World

from ml.model.measures.drift import Yardstick, compare, frozen_record, record_of, yardstick
from ml.model.measures.metrics import rmse

WORLDS = 200
# Windows of a world that tell how far its totals usually lie from the forecast: the interval that
# an honest forecast publishes.
WATCHED = 40
DRIFTS = ("drift", "sustained drift")


@dataclass(frozen=True)
class Shop:
    """A stable world: its record, the 80 % interval of its total over the forecast, two windows."""

    record: list[Yardstick]
    low: float
    high: float
    windows: list[Window]


@pytest.fixture(scope="module")
def shops() -> list[Shop]:
    draw = np.random.default_rng(20240229)
    return [shop(World(draw)) for _ in range(WORLDS)]


def shop(world: World) -> Shop:
    ratios = [
        actual.sum() / predicted.sum()
        for actual, predicted, _ in (world.window() for _ in range(WATCHED))
    ]
    middle, width = np.mean(np.log(ratios)), norm.ppf(0.9) * np.std(np.log(ratios), ddof=1)
    low, high = np.exp([middle - width, middle + width])
    return Shop(world.record(), low, high, [world.window() for _ in range(2)])


def judged(shops: list[Shop], change: Callable[[Window], Window]) -> pd.DataFrame:
    """drift_report of the shops' windows, a month apart, after a change of both."""
    rows = [
        figures(shop, change(window)) | {"model_id": f"S{number:03}", "cutoff": f"2020-0{month}-28"}
        for number, shop in enumerate(shops)
        for month, window in enumerate(shop.windows, start=1)
    ]
    return drift_report(pd.DataFrame(rows))


def figures(shop: Shop, window: Window) -> dict[str, object]:
    """What is measured of a window, and the interval that was published for its total."""
    actual, predicted = (float(money.sum()) for money in window[:2])
    changes = compare(yardstick(*window), shop.record)
    ends = {f"{name}_{end}": value for name, by in changes.items() for end, value in by.items()}
    total = {"actual_total": actual, "predicted_total": predicted, "customers": len(window[0])}
    total |= {"predicted_total_low": shop.low * predicted}
    return QUIET | ends | total | {"predicted_total_high": shop.high * predicted}


def share_of_drift(shops: list[Shop], change: Callable[[Window], Window]) -> float:
    """Share of the first windows that are called drift."""
    report = judged(shops, change)
    return float(report.groupby("model_id")["verdict"].first().isin(DRIFTS).mean())


def test_at_most_one_stable_window_in_twenty_is_called_drift(shops: list[Shop]):
    report = judged(shops, lambda window: window)
    assert report["verdict"].isin(DRIFTS).mean() <= 0.05
    assert (report["verdict"] == "ok").mean() >= 0.7


@pytest.mark.parametrize("least", [0.01, -np.inf])
def test_a_doubled_error_is_found_in_nineteen_of_twenty_windows(shops: list[Shop], least: float):
    def worse(window: Window) -> Window:
        actual, predicted, rivals = window
        return actual, np.maximum(actual + 2 * (predicted - actual), least), rivals

    assert share_of_drift(shops, worse) >= 0.95


def test_an_rmse_doubled_by_noise_is_found_in_nineteen_of_twenty_windows(shops: list[Shop]):
    draw = np.random.default_rng(7)

    def worse(window: Window) -> Window:
        actual, predicted, rivals = window
        return actual, noisier(draw, actual, predicted), rivals

    assert share_of_drift(shops, worse) >= 0.95


def noisier(draw: np.random.Generator, actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Predictions times so much log-normal noise that their RMSE doubles."""
    noise, wanted = draw.normal(size=len(predicted)), 2 * rmse(actual, predicted)

    def by(sd: float) -> np.ndarray:
        return predicted * np.exp(sd * noise)

    sd = brentq(lambda sd: rmse(actual, by(sd)) - wanted, 0.0, 10.0)
    assert isinstance(sd, float)
    return by(sd)


def test_revenue_at_four_tenths_is_found_in_four_of_five_windows(shops: list[Shop]):
    def less(window: Window) -> Window:
        actual, predicted, rivals = window
        return 0.4 * actual, predicted, rivals

    assert share_of_drift(shops, less) >= 0.80
    twice = judged(shops, less).groupby("model_id")["verdict"].last()
    assert twice.isin(DRIFTS).mean() >= 0.90


def test_statistics_of_four_customers_by_hand():
    actual = np.array([0.0, 10.0, 30.0, 40.0])
    predicted = np.array([10.0, 10.0, 20.0, 60.0])
    found = yardstick(actual, predicted, [])
    assert found.error == pytest.approx(math.log(10 / 20))
    assert found.level == pytest.approx(math.log(80 / 100))
    assert math.isnan(found.lead)


def test_the_record_survives_the_card_with_what_is_undefined():
    nobody = (np.zeros(5), np.ones(5), [np.ones(5)])
    some = (np.arange(5.0), np.ones(5), [np.full(5, 2.0)])
    kept = frozen_record([some, nobody])
    text = json.dumps(kept, allow_nan=False)
    first, second = record_of({"baseline": json.loads(text)})
    assert first == yardstick(*some)
    assert math.isnan(second.error) and math.isnan(second.level)
    assert [row["decile"] for row in kept["calibration"]] == [1, 2, 3, 4, 5]


def test_a_card_that_was_purged_is_no_record():
    assert record_of({}) == []


def test_a_model_without_a_record_is_still_held_against_its_own_total():
    changes = compare(yardstick(np.arange(9.0), np.ones(9), []), record_of({"baseline": {}}))
    assert all(math.isnan(value) for ends in changes.values() for value in ends.values())
    unknown = {"error_low": math.nan, "lead_high": math.nan, "baseline_rmse": math.nan}
    unknown |= {"baseline_r2": math.nan}
    assert verdicts([unknown | {"actual_total": 3000.0}]) == ["drift"]


def test_a_window_without_any_revenue_says_nothing_of_error_and_lead():
    now = yardstick(np.zeros(50), np.ones(50), [np.ones(50)])
    changes = compare(now, [now])
    assert all(math.isnan(value) for ends in changes.values() for value in ends.values())
