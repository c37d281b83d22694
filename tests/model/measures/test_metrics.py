"""The metrics: second implementations, brute force, identities, and what is undefined."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import (
    d2_tweedie_score,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)

from ml.model.measures import bootstrap, metrics, tweedie
from ml.model.measures.bootstrap import paired_bootstrap
from ml.model.measures.metrics import METRICS

FloatArray = NDArray[np.float64]
NAN = float("nan")


def batch(customers: int, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Actuals with many zeros, some ties and returns, a good prediction and a poor one."""
    draw = np.random.default_rng(seed)
    actual = draw.gamma(0.5, 200, customers).round(-1) * (draw.random(customers) < 0.4)
    actual[:: customers // 5] = -20
    good = np.maximum(actual, 0) * draw.uniform(0.3, 1.2, customers) + draw.gamma(1, 8, customers)
    poor = np.maximum(actual, 0) * draw.uniform(0, 1, customers) + draw.gamma(1, 40, customers)
    return actual, good.round(0), poor.round(0)


def brute_gini(actual: FloatArray, key: FloatArray) -> float:
    """Twice the area between the diagonal and the Lorenz curve, ties as straight lines."""
    levels = np.unique(key)
    people = np.cumsum([0.0] + [np.mean(key == level) for level in levels])
    money = np.cumsum([0.0] + [actual[key == level].sum() / actual.sum() for level in levels])
    return 1 - 2 * float(np.trapezoid(money, people))


# Second implementations


@pytest.mark.parametrize("seed", range(3))
def test_metrics_equal_those_of_scikit_learn_and_scipy(seed: int):
    actual, predicted, _ = batch(300, seed)
    assert metrics.rmse(actual, predicted) == pytest.approx(
        root_mean_squared_error(actual, predicted)
    )
    assert metrics.mae(actual, predicted) == pytest.approx(mean_absolute_error(actual, predicted))
    assert metrics.r2(actual, predicted) == pytest.approx(r2_score(actual, predicted))
    assert metrics.spearman(actual, predicted) == pytest.approx(spearmanr(actual, predicted)[0])


@pytest.mark.parametrize("seed", range(3))
def test_d2_equals_that_of_scikit_learn_on_floored_values(seed: int):
    actual, predicted, _ = batch(300, seed)
    predicted[:9] = [-5, 0, 1e-9, 0, -1, 0, 0, 0, 0]
    floored = np.maximum(predicted, tweedie.SMALLEST_MEAN)
    power: Any = 1.5  # annotated as int there, documented as float
    expected = d2_tweedie_score(np.maximum(actual, 0), floored, power=power)
    assert metrics.d2(actual, predicted) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_normalised_gini_equals_the_ratio_of_lorenz_areas(seed: int):
    actual, predicted, _ = batch(300, seed)
    expected = brute_gini(actual, predicted) / brute_gini(actual, actual)
    assert metrics.normalised_gini(actual, predicted) == pytest.approx(expected)


@pytest.mark.parametrize("metric", METRICS)
def test_paired_bootstrap_equals_brute_force(metric: str):
    actual, champion, rival = batch(120, 5)
    found = paired_bootstrap(actual, champion, rival, metric=metric, seed=9, resamples=200)
    draw = np.random.default_rng(9)
    turn = abs if metric == "bias" else float

    def difference(rows: NDArray[np.intp]) -> float:
        rows = np.sort(rows)  # the order given, which decides ties of the top decile
        scores = [turn(METRICS[metric](actual[rows], p[rows])) for p in (champion, rival)]
        return scores[0] - scores[1]

    draws = np.array([difference(draw.integers(0, 120, 120)) for _ in range(200)])
    wins = draws < 0 if metric in metrics.LOWER_IS_BETTER else draws > 0
    assert found.difference == pytest.approx(difference(np.arange(120)))
    assert_allclose([found.low, found.high], np.quantile(draws, [0.05, 0.95]), rtol=1e-9)
    assert found.share_better == pytest.approx(wins.mean() + (draws == 0).mean() / 2)


# By hand


def test_top_decile_share_counts_the_earlier_of_tied_rows_and_rounds_up():
    actual = np.array([0.0, 50, 0, 0, 0, 0, 0, 0, 0, 0, 50])
    assert metrics.top_decile_share(actual, np.ones(11)) == 0.5
    assert metrics.top_decile_share(actual[::-1], np.ones(11)) == 0.5
    assert metrics.top_decile_share(actual[[0, 2, 1]], np.ones(3)) == 0


def test_bias_is_the_relative_error_of_the_total():
    assert metrics.bias([10, 30], [10, 20]) == pytest.approx(-0.25)


def test_decile_calibration_of_twenty_customers_has_two_in_each_tenth():
    predicted = np.arange(20.0)
    table = metrics.decile_calibration(2 * predicted, predicted)
    assert table["decile"].tolist() == list(range(1, 11))
    assert table["customer_count"].tolist() == [2] * 10
    assert table["mean_predicted"].tolist() == [18.5 - 2 * tenth for tenth in range(10)]
    assert_allclose(table["mean_actual"], 2 * table["mean_predicted"])


def test_decile_calibration_of_three_customers_has_three_rows():
    assert metrics.decile_calibration([1, 2, 3], [1, 1, 1])["mean_actual"].tolist() == [1, 2, 3]


def test_interval_coverage_includes_both_ends():
    assert metrics.interval_coverage([1, 2, 3, 4], [1, 0, 4, 0], [1, 2, 5, 1]) == 0.5


# Identities


def test_a_perfect_prediction_has_the_best_value_of_every_metric():
    actual = np.abs(batch(300, 1)[0]) + 1
    for name in ("rmse", "mae", "bias"):
        assert METRICS[name](actual, actual) == 0
    for name in ("r2", "d2", "normalised_gini", "spearman"):
        assert METRICS[name](actual, actual) == pytest.approx(1)


def test_the_mean_as_prediction_scores_zero_in_r2_d2_and_gini():
    actual = np.abs(batch(300, 1)[0])
    mean = np.full(300, actual.mean())
    for name in ("r2", "d2", "normalised_gini"):
        assert METRICS[name](actual, mean) == pytest.approx(0, abs=1e-12)


def test_the_opposite_order_has_a_normalised_gini_of_minus_one():
    actual = np.array([5.0, 0, 9, 0, 2])
    assert metrics.normalised_gini(actual, -actual) == pytest.approx(-1)


def test_identical_predictions_differ_by_nothing_and_tie():
    actual, champion, _ = batch(200, 2)
    for name in METRICS:
        found = paired_bootstrap(actual, champion, champion, metric=name, seed=1, resamples=50)
        assert (found.difference, found.low, found.high, found.share_better) == (0, 0, 0, 0.5)


def test_the_better_prediction_wins_nearly_every_resample_in_every_metric():
    actual, champion, rival = batch(3_000, 3)
    for name in METRICS.keys() - {"top_decile_share"}:
        won = paired_bootstrap(actual, champion, rival, metric=name, seed=1, resamples=100)
        lost = paired_bootstrap(actual, rival, champion, metric=name, seed=1, resamples=100)
        assert won.share_better > 0.95
        assert lost.share_better == pytest.approx(1 - won.share_better)
        assert lost.low == pytest.approx(-won.high)


def test_the_bootstrap_depends_on_the_seed_only(monkeypatch: pytest.MonkeyPatch):
    actual, champion, rival = batch(500, 4)

    def run(seed: int) -> bootstrap.BootstrapDifference:
        return paired_bootstrap(actual, champion, rival, metric="d2", seed=seed, resamples=60)

    first = run(1)
    assert run(1) == first
    assert run(2) != first
    monkeypatch.setattr(bootstrap, "_CHUNK_CELLS", 7 * 500)
    assert run(1).low == pytest.approx(first.low)


def test_the_interval_of_the_bootstrap_covers_the_truth_about_as_often_as_it_says():
    hits = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        actual = draw.gamma(2, 10, 300)
        found = paired_bootstrap(
            actual, actual + draw.normal(3, 5, 300), actual, metric="mae", seed=seed, resamples=200
        )
        truth = 4.773  # mean of |normal(3, 5)|
        hits += found.low <= truth <= found.high
    assert 0.84 <= hits / 200 <= 0.96


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(-50, 1e5), st.floats(-50, 1e5)), min_size=2, max_size=30))
def test_order_metrics_do_not_depend_on_the_order_of_rows_or_the_scale(
    pairs: list[tuple[float, float]],
):
    actual, predicted = np.array(pairs).round(2).T
    for name in ("normalised_gini", "spearman"):
        value = METRICS[name](actual, predicted)
        assert METRICS[name](actual[::-1], 3 * predicted[::-1]) == pytest.approx(value, nan_ok=True)
        assert np.isnan(value) or -1 - 1e-9 <= value <= 1 + 1e-9


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(-50, 1e5), st.floats(-50, 1e5)), min_size=1, max_size=30))
def test_explained_shares_never_exceed_one(pairs: list[tuple[float, float]]):
    actual, predicted = np.array(pairs).T
    for name in ("r2", "d2"):
        assert not METRICS[name](actual, predicted) > 1 + 1e-9


# What is undefined, and what is refused

NEEDS_VARIATION = ["r2", "d2", "normalised_gini", "spearman"]
NEEDS_REVENUE = ["top_decile_share", "bias"]


@pytest.mark.parametrize("name", NEEDS_VARIATION)
@pytest.mark.parametrize("actual", [[0.1, 0.1, 0.1], [0, 0, 0], [7]])
def test_explained_shares_and_orders_are_nan_for_constant_actuals(name: str, actual: list[float]):
    assert np.isnan(METRICS[name](actual, np.arange(len(actual))))


@pytest.mark.parametrize("name", NEEDS_REVENUE)
@pytest.mark.parametrize("actual", [[0, 0, 0], [5, -9, 1]])
def test_shares_of_revenue_are_nan_without_revenue(name: str, actual: list[float]):
    assert np.isnan(METRICS[name](actual, [1, 2, 3]))


def test_a_single_row_has_errors_and_shares_of_revenue():
    assert [METRICS[name]([7], [5]) for name in ("rmse", "mae", "top_decile_share")] == [2, 2, 1]
    assert metrics.bias([7], [5]) == pytest.approx(-2 / 7)


@pytest.mark.parametrize("name", NEEDS_VARIATION + NEEDS_REVENUE)
def test_a_bootstrap_of_an_undefined_metric_is_nan(name: str):
    found = paired_bootstrap([0, 0], [1, 2], [2, 1], metric=name, seed=1, resamples=20)
    assert_allclose([found.difference, found.low, found.high, found.share_better], NAN)


def test_a_bootstrap_leaves_out_resamples_without_revenue():
    found = paired_bootstrap([0, 0, 9], [1, 1, 8], [3, 3, 3], metric="d2", seed=1, resamples=200)
    assert np.isfinite([found.low, found.high]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.rmse([1, 2], [1]), "shapes"),
        (lambda: metrics.rmse([], []), "at least one"),
        (lambda: metrics.mae([1, NAN], [1, 2]), "actual of row 1 is nan"),
        (lambda: metrics.d2([1, 2], [1, np.inf]), "predicted of row 1 is inf"),
        (lambda: metrics.r2([[1], [2]], [[1], [2]]), "one column"),
        (lambda: metrics.interval_coverage([1], [3], [2]), "low of row 0 is 3.0"),
        (lambda: paired_bootstrap([1], [1], [1], metric="auc", seed=1), "choose one of rmse"),
        (lambda: paired_bootstrap([1], [1], [1], metric="d2", seed=1, resamples=0), "resamples 0"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_name(call: Callable[[], Any], message: str):
    with pytest.raises(ValueError, match=message):
        call()
