"""The total of the blend and how far off it may be."""

import numpy as np
import pytest

from ml.model.forecast.blend import BASE_FORECASTS, BaseForecasts, Blend
from ml.model.forecast.purchase_forecast import ExpectedPurchases
from ml.model.forecast.total import BEYOND, PastWindows, fit_total
from ml.model.forecast.windows import WindowContext

NOBODY = PastWindows(
    base=None,  # type: ignore[arg-type]
    actual=np.empty(0),
    months_back=np.empty(0, np.int64),
    pred_months=3,
)


def base(naive: np.ndarray, pareto_nbd: np.ndarray) -> BaseForecasts:
    """Base forecasts in which all others say what Pareto/NBD says."""
    money = dict.fromkeys(BASE_FORECASTS, pareto_nbd) | {"naive": naive}
    purchases = ExpectedPurchases(*[pareto_nbd] * 3)
    return BaseForecasts(**money, purchases=purchases, day_value=np.ones(len(naive)))


def same(rows: int) -> WindowContext:
    """Windows without a season."""
    ones = np.ones(rows)
    return WindowContext(observed_months=9 * ones, history_season=ones, label_season=ones)


def blend(weight: float) -> Blend:
    """A multiple of Pareto/NBD."""
    return Blend(weights=dict.fromkeys(BASE_FORECASTS, 0.0) | {"pareto_nbd": weight}, smallest=1e-6)


@pytest.mark.parametrize(
    ("weight", "kept"), [(1.5, 1.5), (5.0, 2 * np.exp(BEYOND)), (0.1, np.exp(-BEYOND))]
)
def test_the_total_stays_near_those_of_naive_and_pareto_nbd(weight: float, kept: float) -> None:
    simple = base(naive=np.full(10, 20.0), pareto_nbd=np.full(10, 10.0))
    correction = fit_total(blend(weight), simple, same(10), NOBODY)
    assert weight * correction.factor == pytest.approx(kept)


def past(errors: list[float], pred_months: int = 1) -> PastWindows:
    """Windows a month apart in which everybody brings exp(error) times what is expected."""
    back = np.repeat(np.arange(len(errors)) + pred_months, 20)
    expected = np.tile(np.arange(1.0, 21.0), len(errors))
    actual = expected * np.exp(np.repeat(errors, 20))
    return PastWindows(
        base=base(expected, expected), actual=actual, months_back=back, pred_months=pred_months
    )


def test_a_window_is_judged_by_what_had_matured_before_it() -> None:
    errors = past([0.5, 0.0, 0.0, 0.0]).errors()
    assert errors == pytest.approx((0.5, 0.0, 0.0), abs=1e-6)


def test_windows_in_which_nothing_was_expected_and_nothing_came_make_no_total_less_sure() -> None:
    nobody = PastWindows(
        base=base(np.zeros(60), np.zeros(60)),
        actual=np.zeros(60),
        months_back=np.repeat([1, 2, 3], 20),
        pred_months=1,
    )
    assert nobody.errors() == ()


def test_totals_that_were_missed_make_the_next_one_less_sure() -> None:
    simple = base(naive=np.full(10, 10.0), pareto_nbd=np.full(10, 10.0))
    calm, wild = (
        fit_total(blend(1.0), simple, same(10), past(errors)).sd
        for errors in ([0.0] * 12, [0.6, -0.6] * 6)
    )
    assert calm < 0.1 < 0.5 < wild


def test_without_a_window_the_usual_spread_speaks() -> None:
    simple = base(naive=np.full(10, 10.0), pareto_nbd=np.full(10, 10.0))
    assert fit_total(blend(1.0), simple, same(10), NOBODY).sd == pytest.approx(0.18)


def test_simple_forecasts_that_disagree_make_a_total_less_sure() -> None:
    agree = base(naive=np.full(10, 10.0), pareto_nbd=np.full(10, 10.0))
    differ = base(naive=np.full(10, 40.0), pareto_nbd=np.full(10, 10.0))
    sure, unsure = (fit_total(blend(1.0), one, same(10), NOBODY).sd for one in (agree, differ))
    assert unsure > sure
