"""The total of the blend: kept near what the simple forecasts expect, and how far off it may be.

1. Weights of the blend come from past windows. Where those were few or unlike, the mix can expect
   far more or far less than any of its parts.
2. Naive and Pareto/NBD read the newest history and no label: their totals cannot run away.
3. So the total of the blend lies between the smaller and the larger of the two, or at most by the
   factor exp(BEYOND) outside.

    factor = clip(total, smaller / exp(BEYOND), larger x exp(BEYOND)) / total

How far off a total may be is learned in the same way as it will be used. At every past cutoff the
blend is fitted on what had matured by then, and its total is compared with what came. Few windows
say little, and windows that overlap say the same thing: so the usual spread counts as one window.

    sd^2 = (usual^2 + n x mean(log errors^2)) / (1 + n) + (DOUBT x min(|log(naive / Pareto)|, 1))^2

with n the past windows that do not overlap. The last term is for simple forecasts that disagree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.model.forecast.blend import BaseForecasts, Blend, fit_blend
from ml.model.forecast.windows import WindowContext

FloatArray = NDArray[np.float64]

BEYOND = 0.1
# Standard deviation of the log of a total where no window shows it: of one month, and of each more.
USUAL_SD, USUAL_SD_A_MONTH = 0.15, 0.01
DOUBT = 0.05
SMALLEST_TOTAL = 1e-9
# A window in which nothing came counts as one with a hundredth of what was expected.
LEAST_SHARE = 0.01


@dataclass(frozen=True)
class TotalCorrection:
    """factor: multiplier that brings the blend's total near those of the simple forecasts.

    log_ratios: log(actual / blend) of the total of past windows, by the blend of what was known
    then, newest first. sd: standard deviation of the log of a total. weight: 1; models of earlier
    versions believed the labels by this share.
    """

    log_ratios: tuple[float, ...]
    factor: float
    sd: float = float("nan")
    weight: float = 1.0


@dataclass(frozen=True)
class PastWindows:
    """Customers of past cutoffs, season taken out, each (rows,).

    actual: net revenue, money. months_back: whole months from the label window's start to now.
    """

    base: BaseForecasts
    actual: FloatArray
    months_back: NDArray[np.int64]
    pred_months: int

    def errors(self) -> tuple[float, ...]:
        """log(actual / blend) of every window that had a matured one before it, newest first.

        A window in which nothing was expected and nothing came says nothing.
        """
        errors: list[float] = []
        for back in np.unique(self.months_back):
            known = self.months_back >= back + self.pred_months
            if not known.any():
                break
            blend = fit_blend(self.base.of_rows(known), np.maximum(self.actual[known], 0))
            here = self.months_back == back
            base = self.base.of_rows(here)
            money, actual = blend.predict(base), self.actual[here].sum()
            if actual <= 0 and (money <= blend.smallest).all():
                continue
            expected = money.sum() * _factor(money.sum(), _simple_totals(base))
            came = max(actual, LEAST_SHARE * expected)
            errors.append(float(np.log(came / expected)))
        return tuple(errors)


def fit_total(
    blend: Blend, base: BaseForecasts, context: WindowContext, past: PastWindows
) -> TotalCorrection:
    """The correction for the customers of the cutoff: their base forecasts and windows."""
    season = float(np.mean(context.history_season / context.label_season))
    simple = _simple_totals(base)
    errors = past.errors()
    return TotalCorrection(
        log_ratios=errors,
        # with and without the season: the simple forecasts know none
        factor=_factor(blend.predict(base).sum(), np.concatenate([simple, simple * season])),
        sd=_spread(errors, past.pred_months, float(np.ptp(np.log(simple)))),
    )


def _simple_totals(base: BaseForecasts) -> FloatArray:
    """Totals of naive and Pareto/NBD, above 0."""
    return np.maximum([base.naive.sum(), base.pareto_nbd.sum()], SMALLEST_TOTAL)


def _factor(total: float, simple: FloatArray) -> float:
    """What brings a total to between the simple ones, or at most exp(BEYOND) outside."""
    beyond = float(np.exp(BEYOND))
    return float(np.clip(total, simple.min() / beyond, simple.max() * beyond) / total)


def _spread(errors: tuple[float, ...], pred_months: int, disagreement: float) -> float:
    """Standard deviation of the log of a total: see the module."""
    usual = USUAL_SD + USUAL_SD_A_MONTH * pred_months
    windows = len(errors) / pred_months
    seen = float(np.mean(np.square(errors))) if errors else 0.0
    variance = (usual**2 + windows * seen) / (1 + windows)
    return float(np.sqrt(variance + (DOUBT * min(disagreement, 1.0)) ** 2))
