"""Ratio-conformal intervals and the promotion gate."""

import numpy as np
import pytest

from ml.model.champion.gate import Evidence, choose
from ml.model.forecast.intervals import fit_intervals
from ml.model.measures.metrics import interval_coverage


def spending(seed: int, rows: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Actual and predicted of customers whose chance to buy grows with the prediction."""
    generator = np.random.default_rng(seed)
    predicted = np.exp(generator.normal(3, 1, rows))
    chance = predicted / (predicted + 10)
    value = predicted / chance * generator.gamma(2, 0.5, rows)
    return np.where(generator.random(rows) < chance, value, 0.0), predicted


def test_coverage_is_eighty_per_cent_overall_and_in_the_top_decile() -> None:
    intervals = fit_intervals(*spending(1), total_sd=0.1)
    actual, predicted = spending(2)
    low, high = intervals.bounds(predicted, predicted)
    best = predicted >= np.quantile(predicted, 0.9)
    assert interval_coverage(actual, low, high) == pytest.approx(0.8, abs=0.02)
    assert interval_coverage(actual[best], low[best], high[best]) == pytest.approx(0.8, abs=0.04)


def test_low_is_zero_where_more_than_a_tenth_brings_nothing() -> None:
    intervals = fit_intervals(*spending(1), total_sd=0.1)
    low, high = intervals.bounds(np.array([0.5]), np.array([0.5]))
    assert low[0] == 0 and high[0] >= 0.5


def test_an_interval_holds_its_prediction_and_never_falls_below_zero() -> None:
    actual, predicted = spending(3, 500)
    intervals = fit_intervals(actual - 5, predicted, total_sd=0.1)
    low, high = intervals.bounds(predicted, predicted)
    assert (low >= 0).all() and (low <= predicted).all() and (predicted <= high).all()


def test_an_interval_depends_on_the_customer_alone() -> None:
    intervals = fit_intervals(*spending(1), total_sd=0.1)
    _, predicted = spending(4, 100)
    together = intervals.bounds(predicted, predicted)[1]
    alone = [intervals.bounds(predicted[[n]], predicted[[n]])[1][0] for n in range(100)]
    assert together.tolist() == alone


@pytest.mark.parametrize("rows", [1, 7, 120])
def test_few_rows_make_wider_bins_and_no_rows_an_error(rows: int) -> None:
    intervals = fit_intervals(*spending(1, rows), total_sd=0.1)
    assert len(intervals.edges) < max(2, rows // 50)
    with pytest.raises(ValueError, match="matured"):
        fit_intervals(np.empty(0), np.empty(0), total_sd=0.1)


def test_the_interval_of_a_total_is_narrower_than_the_sum_of_intervals() -> None:
    intervals = fit_intervals(*spending(1), total_sd=0.05)
    _, predicted = spending(5)
    low, high = intervals.bounds(predicted, predicted)
    variance = intervals.variance(predicted, predicted)
    total_low, total_high = intervals.total_bounds(predicted.sum(), variance.sum())
    assert low.sum() < total_low < predicted.sum() < total_high < high.sum()


def forecasts(best: str) -> Evidence:
    """Every forecast is noise but one."""
    generator = np.random.default_rng(5)
    actual, predicted = spending(6, 2_000)
    found = {
        name: predicted if name == best else predicted * np.exp(generator.normal(0, 1, 2_000))
        for name in ("trees", "prior", "pareto_nbd", "naive")
    }
    return Evidence(actual, found, 2, "simulated")


@pytest.mark.parametrize("best", ["trees", "prior", "pareto_nbd", "naive"])
def test_the_gate_lets_the_best_forecast_serve(best: str) -> None:
    evidence = forecasts(best)
    assert choose(evidence, [evidence], refusal="", seed=1).serves == best


def test_without_an_earlier_training_too_few_cutoffs_serve_the_prior() -> None:
    result = choose(forecasts("naive"), [], refusal="2 training cutoffs", seed=1)
    assert result.serves == "prior"
    assert "2 training cutoffs" in result.reason


def test_a_rival_that_is_better_by_less_than_windows_differ_refuses_nothing() -> None:
    actual, predicted = spending(6, 20_000)
    found = dict.fromkeys(("prior", "pareto_nbd", "naive"), predicted)
    found["trees"] = predicted * 1.12
    result = choose(
        Evidence(actual, found, 1, "a"), [Evidence(actual, found, 1, "b")], refusal="", seed=1
    )
    assert result.comparisons[1].high < 0
    assert result.serves == "trees"


def test_refused_trees_never_serve() -> None:
    evidence = forecasts("trees")
    assert choose(evidence, [evidence], refusal="too few cutoffs", seed=1).serves != "trees"
