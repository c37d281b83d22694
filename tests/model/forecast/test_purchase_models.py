"""The purchase and value models: published numbers, second computations, recovery, identities."""

from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.special import expit

from ml.model.forecast import gamma_gamma, likelihood
from ml.model.forecast.gamma_gamma import GammaGamma
from ml.model.forecast.purchase_models import (
    PURCHASE_MODELS,
    BetaGeometric,
    ModifiedBetaGeometric,
    ParetoNBD,
    PurchaseModel,
)

FloatArray = NDArray[np.float64]
History = tuple[FloatArray, FloatArray, FloatArray]

BG_PAPER = BetaGeometric(r=0.243, alpha=4.414, a=0.793, b=2.426)
MODELS: dict[str, PurchaseModel] = {
    "bg_nbd": BG_PAPER,
    "mbg_nbd": ModifiedBetaGeometric(r=0.525, alpha=6.183, a=0.891, b=1.614),
    "pareto_nbd": ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669),
}
HISTORIES: History = (
    np.array([0, 0, 1, 2, 7, 29, 300, 2000.0]),
    np.array([0, 0, 1.7, 30.43, 35, 20, 2000, 2900.0]),
    np.array([0, 38.86, 38.86, 38.86, 36, 30, 3000, 3000.0]),
)
TRUTHS = [
    BetaGeometric(0.8, 40, 0.8, 2.5),
    ModifiedBetaGeometric(0.8, 40, 0.8, 2.5),
    ParetoNBD(0.8, 40, 0.7, 80),
]
truths = pytest.mark.parametrize("truth", TRUTHS, ids=MODELS.keys())
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())


def cdnow(file_name: str) -> pd.DataFrame:
    """A CDNOW summary (time in weeks) from the demo package, which is not imported."""
    spec = find_spec("lifetimes")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the demo extra is not installed")
    return pd.read_csv(Path(spec.submodule_search_locations[0]) / "datasets" / file_name)


def cdnow_histories() -> History:
    """x, t_x, T of the 2,357 customers of the published estimates."""
    frame = cdnow("cdnow_customers_summary.csv")
    return frame["frequency"].to_numpy(float), frame["recency"].to_numpy(), frame["T"].to_numpy()


def simulate(model: PurchaseModel, customers: int, seed: int) -> History:
    """Histories drawn order by order from the story that the model tells."""
    draw = np.random.default_rng(seed)
    age = draw.uniform(50, 700, customers)
    x, t_x, clock = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    alive, death = np.ones(customers, bool), age
    if isinstance(model, ParetoNBD):
        coin = np.zeros(customers)
        death = np.minimum(draw.exponential(model.beta / draw.gamma(model.s, size=customers)), age)
    else:
        assert isinstance(model, BetaGeometric)
        coin = draw.beta(model.a, model.b, customers)
        if isinstance(model, ModifiedBetaGeometric):
            alive = draw.random(customers) >= coin
    assert isinstance(model, BetaGeometric | ParetoNBD)
    rate = np.maximum(draw.gamma(model.r, 1 / model.alpha, customers), 1e-300)
    while alive.any():
        clock = clock + draw.exponential(1 / rate)
        alive &= clock <= death
        x, t_x = x + alive, np.where(alive, clock, t_x)
        alive &= draw.random(customers) >= coin
    return x, t_x, age


def grid(shape: float, low: float, high: float) -> FloatArray:
    """Even log points wide and fine enough for a density like v^shape exp(-v / scale)."""
    step = min(0.1, 0.2 / np.sqrt(shape))
    reach = 38 / shape + 8 / np.sqrt(shape)
    return np.arange(np.log(low) - reach, np.log(high) + 5 / np.sqrt(min(shape, 1)) + 1, step)


Weights = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


def dropout_by_time(
    model: ParetoNBD, rate: FloatArray, t: float, x: float, t_x: float, T: float
) -> Weights:
    """Log weights of the living and the dead, orders and any order of the living: Pareto/NBD."""
    v = grid(model.s, model.s / (model.beta + T), model.s / model.beta)[None, :]
    drop = np.exp(v)
    both = rate + drop
    prior = model.s * v - model.beta * drop + x * np.log(rate)
    dead = v - np.log(both) - both * t_x + np.log(-np.expm1(-both * (T - t_x)) + 1e-300)
    orders = rate / drop * -np.expm1(-drop * t)
    return prior - both * T, prior + dead, orders, rate / both * -np.expm1(-both * t)


def dropout_by_coin(
    model: BetaGeometric, rate: FloatArray, t: float, x: float, t_x: float, T: float
) -> Weights:
    """Log weights of the living and the dead, orders and any order of the living: (M)BG/NBD."""
    v = np.arange(np.log(model.a / (model.b + x)) - 40 / model.a, 45 / model.b, 0.05)[None, :]
    log_stay = -np.logaddexp(0, v)
    log_drop, drop = v + log_stay, expit(v)
    coins = x + isinstance(model, ModifiedBetaGeometric)
    prior = model.a * log_drop + model.b * log_stay + x * np.log(rate)
    living = prior + coins * log_stay - rate * T
    dead = prior + log_drop + (coins - 1) * log_stay - rate * t_x
    dead = dead if coins > 0 else np.full_like(living, -np.inf)
    return living, dead, -np.expm1(-rate * drop * t) / drop, -np.expm1(-rate * t)


def mixture(
    model: PurchaseModel, t: float, x: float, t_x: float, T: float
) -> tuple[float, float, float]:
    """P(alive), expected purchases and P(purchase) by Bayes over a grid of both rates."""
    assert isinstance(model, BetaGeometric | ParetoNBD)
    shape = model.r + x
    u = grid(shape, shape / (model.alpha + T), shape / (model.alpha + t_x))[:, None]
    rate = np.exp(u)
    if isinstance(model, ParetoNBD):
        living, dead, orders, some = dropout_by_time(model, rate, t, x, t_x, T)
    else:
        living, dead, orders, some = dropout_by_coin(model, rate, t, x, t_x, T)
    prior = model.r * u - model.alpha * rate
    top = (prior + np.maximum(living, dead)).max()
    living, dead = np.exp(prior + living - top), np.exp(prior + dead - top)
    total = living.sum() + dead.sum()
    return living.sum() / total, (living * orders).sum() / total, (living * some).sum() / total


# Published numbers


def test_bg_nbd_estimates_on_cdnow_are_the_published_ones():
    histories = cdnow_histories()
    model = BetaGeometric.fit(*histories)
    assert_allclose(
        [model.r, model.alpha, model.a, model.b], [0.243, 4.414, 0.793, 2.426], atol=1e-3
    )
    assert model.log_likelihood(*histories).sum() == pytest.approx(-9582.4, abs=0.05)


def test_mbg_nbd_estimates_on_cdnow_are_the_published_ones():
    model = ModifiedBetaGeometric.fit(*cdnow_histories())
    found = [model.r, model.alpha, model.a, model.b]
    assert_allclose(found, [0.525, 6.183, 0.891, 1.614], atol=1e-3)


def test_pareto_nbd_estimates_on_cdnow_are_the_published_ones():
    histories = cdnow_histories()
    model = ParetoNBD.fit(*histories)
    found = [model.r, model.alpha, model.s, model.beta]
    assert_allclose(found, [0.553, 10.578, 0.606, 11.669], atol=2e-3)
    assert model.log_likelihood(*histories).sum() == pytest.approx(-9595.0, abs=0.05)


def test_gamma_gamma_estimates_on_cdnow_are_the_published_ones():
    frame = cdnow("cdnow_customers_summary_with_transactions.csv")
    model = GammaGamma.fit(frame["x"], frame["zbar"])
    assert_allclose([model.p, model.q, model.v], [6.25, 3.74, 15.44], atol=1e-2)
    assert_allclose(model.expected_value([0, 2], [0, 22.35]), [35.17, 24.65], atol=2e-2)


def test_bg_nbd_conditional_expectation_is_the_published_one():
    assert BG_PAPER.expected_purchases(39, 2, 30.43, 38.86)[0] == pytest.approx(1.226, abs=1e-3)


def test_bg_nbd_expectation_of_a_new_customer_is_the_published_one():
    weeks = [0.1429, 1.0, 3.0, 31.8571, 32.0, 78.0]
    published = [0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576]
    model = BetaGeometric.fit(*cdnow_histories())
    found = [model.expected_purchases(week, 0, 0, 0)[0] for week in weeks]
    assert_allclose(found, published, atol=1e-3)


# A second computation


@every_model
@pytest.mark.parametrize("row", range(HISTORIES[0].size))
def test_scores_equal_bayes_over_a_grid_of_rates(model: PurchaseModel, row: int):
    x, t_x, T = (float(column[row]) for column in HISTORIES)
    expected = mixture(model, 39.0, x, t_x, T)
    found = [
        model.probability_alive(x, t_x, T)[0],
        model.expected_purchases(39, x, t_x, T)[0],
        model.probability_of_purchase(39, x, t_x, T)[0],
    ]
    assert_allclose(found, expected, rtol=2e-5, atol=1e-12)


@every_model
def test_probability_of_no_purchase_is_the_ratio_of_likelihoods(model: PurchaseModel):
    x, t_x, T = HISTORIES
    ratio = np.exp(model.log_likelihood(x, t_x, T + 20) - model.log_likelihood(x, t_x, T))
    assert_allclose(1 - model.probability_of_purchase(20, x, t_x, T), ratio, rtol=1e-8, atol=1e-8)


@every_model
def test_gradient_is_the_slope_of_the_log_likelihood(model: PurchaseModel):
    assert isinstance(model, BetaGeometric | ParetoNBD)
    values = asdict(model)
    gradient = model._likelihood(*HISTORIES)[1:]
    for name, slope in zip(values, gradient, strict=True):
        step = 1e-5 * values[name]
        above = type(model)(**{**values, name: values[name] + step}).log_likelihood(*HISTORIES)
        below = type(model)(**{**values, name: values[name] - step}).log_likelihood(*HISTORIES)
        assert_allclose(slope, (above - below) / (2 * step), rtol=1e-5, atol=1e-5)


def test_gamma_gamma_density_integrates_to_one_and_its_mean_is_the_population_mean():
    model = GammaGamma(6.25, 3.74, 15.44)
    value = np.exp(np.arange(-12, 25, 0.01))
    density = np.exp(model.log_likelihood(np.full(value.size, 3.0), value)) * value * 0.01
    assert density.sum() == pytest.approx(1, abs=1e-6)
    population = model.expected_value(0, 0)[0]
    assert density @ value == pytest.approx(population, rel=1e-6)
    conditional = model.expected_value(np.full(value.size, 3.0), value)
    assert density @ conditional == pytest.approx(population, rel=1e-6)


def test_gamma_gamma_gradient_is_the_slope_of_the_log_likelihood():
    x, mean = np.array([1.0, 4, 2000]), np.array([3.0, 40, 25])
    values = {"p": 6.25, "q": 3.74, "v": 15.44}
    for name, slope in zip(values, GammaGamma(**values)._likelihood(x, mean)[1:], strict=True):
        step = 1e-5 * values[name]
        above = GammaGamma(**{**values, name: values[name] + step}).log_likelihood(x, mean)
        below = GammaGamma(**{**values, name: values[name] - step}).log_likelihood(x, mean)
        assert_allclose(slope, (above - below) / (2 * step), rtol=1e-5, atol=1e-5)


# Recovery of known parameters


@truths
def test_fit_recovers_the_parameters_of_a_simulation(truth: BetaGeometric | ParetoNBD):
    found = type(truth).fit(*simulate(truth, 60_000, seed=7))
    for name in asdict(truth):
        assert getattr(found, name) == pytest.approx(getattr(truth, name), rel=0.1)


@truths
def test_expectation_and_probability_hold_in_a_simulation(truth: BetaGeometric | ParetoNBD):
    x, _, T = simulate(truth, 60_000, seed=11)
    ages = np.linspace(0, 700, 101)
    expected = [truth.expected_purchases(age, 0, 0, 0)[0] for age in ages]
    some = [truth.probability_of_purchase(age, 0, 0, 0)[0] for age in ages]
    assert x.mean() == pytest.approx(np.interp(T, ages, expected).mean(), rel=0.03)
    assert np.mean(x > 0) == pytest.approx(np.interp(T, ages, some).mean(), rel=0.01)


def test_gamma_gamma_recovers_the_parameters_of_a_simulation():
    draw = np.random.default_rng(3)
    x = 1 + draw.poisson(draw.gamma(1, 3, 60_000))
    mean = draw.gamma(6 * x, 1 / (draw.gamma(4, 1 / 30, x.size) * x))
    model = GammaGamma.fit(x, mean)
    assert_allclose([model.p, model.q, model.v], [6, 4, 30], rtol=0.05)


# Identities


def test_probability_alive_is_one_before_any_repeat_order_in_bg_nbd():
    assert_allclose(BG_PAPER.probability_alive([0, 0], [0, 0], [1, 900]), 1)


def test_probability_alive_without_repeat_orders_falls_with_time_in_mbg_nbd_and_pareto_nbd():
    for name in ("mbg_nbd", "pareto_nbd"):
        alive = MODELS[name].probability_alive(np.zeros(3), np.zeros(3), [1, 90, 900])
        assert (np.diff(alive) < 0).all()


@every_model
def test_expectation_and_probability_are_zero_at_t_zero(model: PurchaseModel):
    assert_allclose(model.expected_purchases(0, *HISTORIES), 0, atol=1e-12)
    assert_allclose(model.probability_of_purchase(0, *HISTORIES), 0, atol=1e-12)


@every_model
def test_a_change_of_the_time_unit_changes_only_the_scales(model: PurchaseModel):
    x, t_x, T = simulate(ParetoNBD(0.8, 40, 0.7, 80), 2_000, seed=2)
    days, weeks = type(model).fit(x, t_x, T), type(model).fit(x, t_x / 7, T / 7)
    forecast = days.expected_purchases(70, x, t_x, T)
    assert_allclose(weeks.expected_purchases(10, x, t_x / 7, T / 7), forecast, rtol=1e-4)


@every_model
def test_fit_and_scores_do_not_depend_on_the_order_of_the_rows(model: PurchaseModel):
    histories = simulate(ParetoNBD(0.8, 40, 0.7, 80), 2_000, seed=4)
    shuffled = np.random.default_rng(0).permutation(2_000)
    moved = tuple(column[shuffled] for column in histories)
    assert type(model).fit(*moved) == type(model).fit(*histories)
    scores = model.expected_purchases(90, *histories)
    assert (model.expected_purchases(90, *moved) == scores[shuffled]).all()


@every_model
def test_near_a_singular_parameter_the_expectation_is_continuous(model: PurchaseModel):
    kind = type(model)
    assert issubclass(kind, BetaGeometric | ParetoNBD)

    def at(third: float) -> FloatArray:
        return kind(0.5, 10, third, 2.4).expected_purchases(50, *HISTORIES)

    assert_allclose(at(1.0), (at(0.999) + at(1.001)) / 2, rtol=1e-4)


def test_bg_nbd_expectation_is_continuous_where_a_plus_b_is_one():
    def at(b: float) -> FloatArray:
        return BetaGeometric(0.5, 10, 0.4, b).expected_purchases(50, 0, 0, 100)

    assert_allclose(at(0.6), (at(0.599) + at(0.601)) / 2, rtol=1e-4)


# The sample that large fits use


def test_systematic_sample_keeps_the_shares_of_heavy_rows():
    rows = (np.arange(1000.0),)
    counts = np.where(np.arange(1000) == 500, 1001.0, 1.0)
    sample, weights = likelihood.systematic_sample(rows, counts, 100)
    assert weights.sum() == 100
    assert weights[sample[0] == 500][0] == pytest.approx(50, abs=1)


@pytest.mark.long
def test_a_sampled_fit_is_close_to_the_whole_fit(monkeypatch: pytest.MonkeyPatch):
    histories = simulate(ParetoNBD(0.8, 40, 0.7, 80), 20_000, seed=5)
    whole = ParetoNBD.fit(*histories).expected_purchases(90, *histories)
    monkeypatch.setattr(likelihood, "FIT_CUSTOMERS", 10_000)
    sampled = ParetoNBD.fit(*histories).expected_purchases(90, *histories)
    assert sampled.sum() == pytest.approx(whole.sum(), rel=0.02)


def test_distinct_rows_come_sorted_with_counts_and_an_inverse():
    columns = (np.array([2.0, 1, 2, 1]), np.array([5.0, 9, 5, 3]))
    rows, inverse, counts = likelihood.unique_rows(columns)
    assert_allclose(rows, [[1, 1, 2], [3, 9, 5]])
    assert counts.tolist() == [1, 1, 2]
    assert_allclose(np.array(rows)[:, inverse], columns)


# Edges


DEGENERATE = {
    "nobody came back": ([0, 0, 0], [0, 0, 0], [10, 200, 300]),
    "one customer": ([5], [90], [100]),
    "one silent customer": ([0], [0], [100]),
    "all the same": ([3, 3, 3], [60, 60, 60], [90, 90, 90]),
    "ordered to the last day": ([4, 9, 1], [50, 70, 30], [50, 70, 30]),
    "some just arrived": ([0, 0, 3], [0, 0, 20], [0, 0, 30]),
    "whale": ([2000, 0, 1], [2990, 0, 4], [3000, 3000, 2000]),
}


@every_model
@pytest.mark.parametrize("histories", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_a_fit_on_degenerate_data_is_finite(model: PurchaseModel, histories: tuple[list[int], ...]):
    fitted = type(model).fit(*histories)
    scores = [
        fitted.expected_purchases(90, *histories),
        fitted.probability_alive(*histories),
        fitted.probability_of_purchase(90, *histories),
    ]
    assert np.isfinite(scores).all()


@every_model
def test_when_nobody_came_back_almost_nobody_is_expected_to(model: PurchaseModel):
    fitted = type(model).fit([0, 0, 0], [0, 0, 0], [100, 200, 300])
    assert fitted.expected_purchases(90, 0, 0, 300)[0] < 0.01


@every_model
def test_a_fit_without_any_exposure_is_refused(model: PurchaseModel):
    with pytest.raises(ValueError, match="T is 0 for every customer"):
        type(model).fit([0, 0], [0, 0], [0, 0])


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        (([-1], [0], [9]), "x of row 0 is -1.0"),
        (([1, 1], [3, 9], [9, 8]), "t_x of row 1 is 9.0"),
        (([0], [2], [9]), "without a repeat order"),
        (([1], [float("nan")], [9]), "t_x of row 0 is nan"),
        (([1], [2], [float("inf")]), "T of row 0 is inf"),
        (([1, 2], [2], [3]), "lengths"),
        (([], [], []), "at least one"),
    ],
)
def test_an_impossible_history_is_refused_by_name(histories: tuple[list[float], ...], message: str):
    with pytest.raises(ValueError, match=message):
        BG_PAPER.probability_alive(*histories)


def test_a_negative_window_is_refused():
    with pytest.raises(ValueError, match="t is -1"):
        BG_PAPER.expected_purchases(-1, *HISTORIES)


def test_gamma_gamma_defines_customers_without_orders_and_with_negative_means():
    model = GammaGamma(6.25, 3.74, 15.44)
    value = model.expected_value([0, 0, 1, 1], [float("nan"), 99, -50, 0])
    assert value[0] == value[1] == pytest.approx(6.25 * 15.44 / 2.74)
    assert 0 < value[2] == value[3] < value[0]


def test_gamma_gamma_stays_finite_on_heavy_tails_and_constant_values():
    heavy = np.random.default_rng(1).pareto(0.5, 3_000) + 1
    for values in (heavy, np.full(50, 20.0), np.array([20.0])):
        model = GammaGamma.fit(np.ones(values.size), values)
        expected = model.expected_value(np.ones(values.size), values)
        assert model.q >= gamma_gamma.SMALLEST_Q * (1 - 1e-12)
        assert (expected > 0).all() and np.isfinite(expected).all()


def test_gamma_gamma_fit_leaves_out_customers_without_a_positive_mean():
    x, mean = np.array([1.0, 2, 5, 0, 3]), np.array([10.0, 30, 20, 99, -5])
    assert GammaGamma.fit(x, mean) == GammaGamma.fit(x[:3], mean[:3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GammaGamma(2, 1, 3), "q is 1"),
        (lambda: GammaGamma.fit([0, 1], [5, -1]), "no row has x > 0"),
        (lambda: GammaGamma.fit([1], [float("nan")]), "mean_value of row 0 is nan"),
        (lambda: GammaGamma(2, 3, 3).log_likelihood([0], [1]), "x of row 0 is 0.0"),
    ],
)
def test_gamma_gamma_refuses_what_it_cannot_model(call: Callable[[], object], message: str):
    with pytest.raises(ValueError, match=message):
        call()


# Stability


shapes = st.floats(0.01, 100)
scales = st.floats(0.1, 10_000)
orders = st.integers(0, 2000)
ages = st.floats(0, 3000)
shares = st.floats(0, 1)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(shapes, scales, shapes, scales, orders, ages, shares)
@pytest.mark.parametrize("kind", PURCHASE_MODELS.values(), ids=PURCHASE_MODELS.keys())
def test_scores_are_bounded_and_monotone_in_t(
    kind: type[BetaGeometric] | type[ParetoNBD],
    r: float,
    alpha: float,
    third: float,
    fourth: float,
    x: int,
    age: float,
    share: float,
):
    model = kind(r, alpha, third, fourth if kind is ParetoNBD else min(fourth, 100))
    history = (x, age * share if x else 0, age)
    alive = model.probability_alive(*history)[0]
    windows = [0, 1e-3, 1, 30, 365, 3000]
    expected = np.array([model.expected_purchases(t, *history)[0] for t in windows])
    some = np.array([model.probability_of_purchase(t, *history)[0] for t in windows])
    assert 0 <= alive <= 1
    assert np.isfinite(model.log_likelihood(*history)).all()
    assert (np.diff(expected) >= -1e-6 * expected[1:]).all()
    assert (np.diff(some) >= -1e-9).all()
    assert (some <= alive + 1e-9).all()
    assert (some <= expected * (1 + 1e-5) + 1e-9).all()
    assert (
        expected <= alive * (r + x) / (alpha + age) * np.array(windows) * (1 + 1e-5) + 1e-9
    ).all()
