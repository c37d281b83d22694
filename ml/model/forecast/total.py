"""The total of the blend, kept near what the simple forecasts expect.

1. Weights of the blend come from past windows. Where those were few or unlike, the mix can expect
   far more or far less than any of its parts.
2. Naive and Pareto/NBD read the newest history and no label: their totals cannot run away.
3. So the total of the blend lies between the smaller and the larger of the two, or at most by the
   factor exp(BEYOND) outside.

    factor = clip(total, smaller / exp(BEYOND), larger x exp(BEYOND)) / total
"""

from dataclasses import dataclass

import numpy as np

from ml.model.forecast.blend import BaseForecasts, Blend
from ml.model.forecast.windows import WindowContext

BEYOND = 0.1
# Variance of the log of a total that no backtest shows: the next window is a new one.
UNSEEN_VARIANCE = 0.01
# Variance between windows where too few cutoffs show it.
USUAL_VARIANCE = 0.0225


@dataclass(frozen=True)
class TotalCorrection:
    """factor: multiplier that brings the blend's total near those of the simple forecasts.

    log_ratios, weight: what models of earlier versions used; empty and 1 since.
    """

    log_ratios: tuple[float, ...]
    weight: float
    factor: float

    @property
    def sd(self) -> float:
        """Standard deviation of the log of a total."""
        seen = float(np.var(self.log_ratios)) if len(self.log_ratios) > 2 else USUAL_VARIANCE
        return float(np.sqrt(seen + UNSEEN_VARIANCE))


def fit_total(blend: Blend, base: BaseForecasts, context: WindowContext) -> TotalCorrection:
    """The factor for the customers of the cutoff, whose base forecasts and windows are given."""
    season = float(np.mean(context.history_season / context.label_season))
    simple = np.log([max(base.naive.sum(), 1e-9), max(base.pareto_nbd.sum(), 1e-9)])
    # with and without the season: the simple forecasts know none
    simple = np.concatenate([simple, simple + np.log(season)])
    total = float(np.log(blend.predict(base).sum()))
    kept = float(np.clip(total, simple.min() - BEYOND, simple.max() + BEYOND))
    return TotalCorrection(log_ratios=(), weight=1.0, factor=float(np.exp(kept - total)))
