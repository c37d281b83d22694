"""The drift verdict on simulated worlds, and its figures by hand."""

import json
import math

import numpy as np
import pytest

from ml.drift import Yardstick, compare, frozen_record, is_significant, record_of, yardstick

Window = tuple[np.ndarray, np.ndarray, list[np.ndarray]]
WORLDS = 200


class World:
    """A shop that does not change: spending and forecasts are drawn alike for every window.

    Heavy tails, many customers without a purchase, some returns, and totals that differ between
    windows by up to a tenth without meaning.
    """

    def __init__(self, draw: np.random.Generator) -> None:
        self.draw = draw
        self.customers = int(np.exp(draw.uniform(np.log(500), np.log(5000))))
        self.spread, self.tail = draw.uniform(0.8, 1.6), draw.uniform(0.5, 1.0)
        self.buyers, self.error = draw.uniform(0.15, 0.8), draw.uniform(0.3, 0.9)
        self.level = draw.uniform(0, 0.1)

    def window(self) -> Window:
        """actual, predicted, forecasts of two rivals; each (customers,)."""
        expected = np.exp(self.draw.normal(4, self.spread, self.customers))
        share = self.draw.beta(2 * self.buyers, 2 * (1 - self.buyers), self.customers).clip(0.02)
        buys = self.draw.random(self.customers) < share
        actual = buys * expected / share * self._noise(self.tail)
        actual *= np.exp(self.draw.normal(0, self.level))
        actual -= (self.draw.random(self.customers) < 0.02) * expected * 0.3
        own = self._noise(self.error)
        alike = np.sqrt(own * self._noise(self.error))
        rivals = [expected * self._noise(1.5 * self.error), expected * alike]
        return actual, expected * own, rivals

    def _noise(self, sd: float) -> np.ndarray:
        return np.exp(self.draw.normal(0, sd, self.customers) - sd**2 / 2)

    def record(self) -> list[Yardstick]:
        """One or two windows before."""
        return [yardstick(*self.window()) for _ in range(int(self.draw.integers(1, 3)))]


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


def test_revenue_at_four_tenths_is_found_in_three_of_four_windows(
    worlds: list[tuple[list[Yardstick], Window]],
):
    found = [
        drifts(record, (0.4 * actual, predicted, rivals))
        for record, (actual, predicted, rivals) in worlds
    ]
    assert np.mean(found) >= 0.75


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
