"""The drift verdict on simulated worlds, and its figures by hand."""

import json
import math

import numpy as np
import pytest
from scipy.optimize import brentq
from worlds import Window, World

from ml.model.measures.drift import (
    Yardstick,
    compare,
    frozen_record,
    is_significant,
    record_of,
    yardstick,
)
from ml.model.measures.metrics import rmse

WORLDS = 200


@pytest.fixture(scope="module")
def worlds() -> list[tuple[list[Yardstick], Window]]:
    """Records of stable worlds, and a window of each that followed."""
    draw = np.random.default_rng(20240229)
    made = [World(draw) for _ in range(WORLDS)]
    return [(world.record(), world.window()) for world in made]


def drifts(record: list[Yardstick], window: Window) -> bool:
    now = yardstick(*window)
    return is_significant(now, compare(now, record))


def test_at_most_one_stable_window_in_twenty_is_called_drift(
    worlds: list[tuple[list[Yardstick], Window]],
):
    called = [drifts(record, window) for record, window in worlds]
    assert np.mean(called) <= 0.05


@pytest.mark.parametrize("least", [0.01, -np.inf])
def test_a_doubled_error_is_found_in_nineteen_of_twenty_windows(
    worlds: list[tuple[list[Yardstick], Window]], least: float
):
    found = []
    for record, (actual, predicted, rivals) in worlds:
        worse = np.maximum(actual + 2 * (predicted - actual), least)
        found.append(drifts(record, (actual, worse, rivals)))
    assert np.mean(found) >= 0.95


def test_an_rmse_doubled_by_noise_is_found_in_nineteen_of_twenty_windows(
    worlds: list[tuple[list[Yardstick], Window]],
):
    draw = np.random.default_rng(7)
    found = [
        drifts(record, (actual, noisier(draw, actual, predicted), rivals))
        for record, (actual, predicted, rivals) in worlds
    ]
    assert np.mean(found) >= 0.95


def noisier(draw: np.random.Generator, actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Predictions times so much log-normal noise that their RMSE doubles."""
    noise, wanted = draw.normal(size=len(predicted)), 2 * rmse(actual, predicted)

    def by(sd: float) -> np.ndarray:
        return predicted * np.exp(sd * noise)

    sd = brentq(lambda sd: rmse(actual, by(sd)) - wanted, 0.0, 10.0)
    assert isinstance(sd, float)
    return by(sd)


def test_revenue_at_four_tenths_is_found_in_four_of_five_windows(
    worlds: list[tuple[list[Yardstick], Window]],
):
    found = [
        drifts(record, (0.4 * actual, predicted, rivals))
        for record, (actual, predicted, rivals) in worlds
    ]
    assert np.mean(found) >= 0.80


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
    draw = np.random.default_rng(1)
    predicted = np.exp(draw.normal(3, 1, 2000))
    now = yardstick(3 * predicted, predicted, [])
    changes = compare(now, record_of({"baseline": {}}))
    assert changes["level"]["low"] > 0
    assert math.isnan(changes["error"]["low"])
    assert is_significant(now, changes)


def test_a_window_without_any_revenue_says_nothing_rather_than_failing():
    now = yardstick(np.zeros(50), np.ones(50), [np.ones(50)])
    assert not is_significant(now, compare(now, []))


def test_a_total_closer_to_the_predicted_one_than_at_training_is_no_drift():
    draw = np.random.default_rng(1)
    predicted = np.exp(draw.normal(3, 0.5, 5000))
    low = yardstick(0.4 * predicted, predicted, [])
    exact = yardstick(predicted * draw.gamma(20, 1 / 20, 5000), predicted, [])
    assert compare(exact, [low, low])["level"]["low"] > 0
    assert not is_significant(exact, compare(exact, [low, low]) | {"error": {"low": -1.0}})
    assert is_significant(low, compare(low, [exact, exact]))
