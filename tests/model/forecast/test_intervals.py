"""Intervals of customers and of their total."""

import numpy as np
import pytest

from ml.model.forecast.intervals import Intervals, fit_intervals
from ml.model.measures.certainty import interval_tails
from ml.model.measures.metrics import interval_coverage

Shop = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def spending(seed: int, rows: int = 20_000, *, least: float = 0.0) -> Shop:
    """Actual, predicted, probability and whether there was a purchase.

    The chance to buy grows with the prediction; nobody's is below `least`.
    """
    generator = np.random.default_rng(seed)
    predicted = np.exp(generator.normal(3, 1, rows))
    chance = least + (1 - least) * predicted / (predicted + 10)
    bought = generator.random(rows) < chance
    value = predicted / chance * generator.gamma(2, 0.5, rows)
    return np.where(bought, value, 0.0), predicted, chance, bought


def test_a_tenth_lies_on_either_side_where_nearly_everybody_buys() -> None:
    intervals = fit_intervals(*spending(1, least=0.97), total_sd=0.0)
    actual, predicted, chance, _ = spending(2, least=0.97)
    low, high = intervals.bounds(predicted, predicted, chance)
    tails = interval_tails(actual, predicted, low, high)
    assert tails["above"].between(0.08, 0.12).all()
    assert tails["below"].between(0.06, 0.12).all()
    assert (low > 0).all()


def test_a_tenth_lies_above_in_every_tenth_of_customers_who_may_buy_nothing() -> None:
    intervals = fit_intervals(*spending(1), total_sd=0.0)
    actual, predicted, chance, _ = spending(2)
    low, high = intervals.bounds(predicted, predicted, chance)
    tails = interval_tails(actual, predicted, low, high)
    assert tails["above"].between(0.08, 0.12).all()
    assert (tails["below"] <= 0.12).all()


def test_low_is_zero_where_more_than_a_tenth_brings_nothing() -> None:
    intervals = fit_intervals(*spending(1), total_sd=0.1)
    low, high = intervals.bounds(*np.array([[20.0, 20.0], [20.0, 20.0], [0.89, 0.99]]))
    assert low[0] == 0 and low[1] > 0
    assert (high > 20).all()


def test_high_is_the_prediction_where_nine_in_ten_bring_nothing() -> None:
    intervals = fit_intervals(*spending(1), total_sd=0.1)
    _, high = intervals.bounds(*np.array([[0.5], [0.5], [0.05]]))
    assert high.tolist() == [0.5]


def test_what_moves_a_whole_window_makes_intervals_wider() -> None:
    shop = spending(1)
    sure, unsure = (fit_intervals(*shop, total_sd=sd) for sd in (0.0, 0.5))
    widths = [
        np.subtract(*one.bounds(*np.array([[50.0], [50.0], [0.95]]))[::-1])
        for one in (sure, unsure)
    ]
    assert widths[1] > 1.1 * widths[0]


def test_an_interval_holds_its_prediction_and_never_falls_below_zero() -> None:
    actual, predicted, chance, bought = spending(3, 500)
    intervals = fit_intervals(actual - 5, predicted, chance, bought, total_sd=0.1)
    low, high = intervals.bounds(predicted, predicted, chance)
    assert (low >= 0).all() and (low <= predicted).all() and (predicted <= high).all()


def test_an_interval_depends_on_the_customer_alone() -> None:
    intervals = fit_intervals(*spending(1), total_sd=0.1)
    _, predicted, chance, _ = spending(4, 100)
    together = intervals.bounds(predicted, predicted, chance)[1]
    alone = [
        intervals.bounds(predicted[[n]], predicted[[n]], chance[[n]])[1][0] for n in range(100)
    ]
    assert together.tolist() == alone


@pytest.mark.parametrize("rows", [1, 7, 120])
def test_few_rows_make_wider_bins_and_no_rows_an_error(rows: int) -> None:
    intervals = fit_intervals(*spending(1, rows), total_sd=0.1)
    assert len(intervals.edges) < max(2, rows // 50)
    with pytest.raises(ValueError, match="matured"):
        fit_intervals(*np.empty((3, 0)), np.empty(0, bool), total_sd=0.1)


def test_customers_of_whom_nobody_bought_have_intervals() -> None:
    nobody = np.zeros(200)
    intervals = fit_intervals(nobody, nobody + 5, nobody + 0.2, nobody > 0, total_sd=0.1)
    low, high = intervals.bounds(*np.array([[5.0], [5.0], [0.2]]))
    assert low[0] == 0 and np.isfinite(high[0])


def test_the_interval_of_a_total_is_narrower_than_the_sum_of_intervals() -> None:
    intervals = fit_intervals(*spending(1), total_sd=0.05)
    _, predicted, chance, _ = spending(5)
    low, high = intervals.bounds(predicted, predicted, chance)
    variance = intervals.variance(predicted, predicted)
    total_low, total_high = intervals.total_bounds(predicted.sum(), variance.sum())
    assert low.sum() < total_low < predicted.sum() < total_high < high.sum()


def test_a_model_of_an_earlier_version_keeps_its_bounds() -> None:
    earlier = Intervals(
        edges=(10.0,), spread=(1.0, 1.0), total_sd=0.1, low=(0.0, 0.5), high=(2.0, 3.0)
    )
    bounds = earlier.bounds(*np.array([[5.0, 20.0], [5.0, 20.0], [0.1, 0.9]]))
    assert [end.tolist() for end in bounds] == [[0.0, 10.0], [10.0, 60.0]]


def test_coverage_is_nearly_eighty_per_cent_where_somebody_buys() -> None:
    intervals = fit_intervals(*spending(1, least=0.5), total_sd=0.0)
    actual, predicted, chance, _ = spending(2, least=0.5)
    low, high = intervals.bounds(predicted, predicted, chance)
    assert interval_coverage(actual, low, high) == pytest.approx(0.87, abs=0.04)
