"""Shallow trees on the prior's offset: three boosters that say how a customer departs from it.

`spend` models net revenue at once (Tweedie), `purchase` and `value` in two steps (whether the
customer buys, and what a buyer brings). The prediction is the geometric mean of the two and of the
prior: the two disagree where the data are thin, and the prior extrapolates where trees cannot.
Money is season-free and divided by `scale`, so no setting depends on the currency.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray
from scipy.special import expit, logit

from ml.model.forecast.blend import (
    BG,
    DAYS_A_MONTH,
    FADING,
    NAIVE,
    PARETO,
    Parts,
    Surroundings,
    fading_spending,
)
from ml.model.forecast.features import FEATURES, WHOLE_WINDOW

FloatArray = NDArray[np.float64]

# The sums of a histogram depend on the number of threads, and several threads wait for each other
# on a busy machine: one thread is repeatable everywhere and hardly slower at this size.
THREADS = 1
SHARED = {
    "tree_method": "hist",
    "max_bin": 64,
    "eta": 0.05,
    "nthread": THREADS,
    "verbosity": 0,
}
TWEEDIE = {"objective": "reg:tweedie", "tweedie_variance_power": 1.5}
SETTINGS: dict[str, tuple[dict[str, object], int]] = {
    "spend": ({**TWEEDIE, "max_depth": 2, "reg_lambda": 100, "min_child_weight": 100}, 100),
    "purchase": (
        {"objective": "binary:logistic", "max_depth": 3, "reg_lambda": 10, "min_child_weight": 20},
        60,
    ),
    "value": ({**TWEEDIE, "max_depth": 2, "reg_lambda": 50, "min_child_weight": 50}, 80),
}
# Logarithms of ratios of the prior's parts: where they disagree, trees can tell who is right.
COMPARISONS = {
    "naive_to_pareto": "past revenue against the purchase model",
    "bg_to_pareto": "two purchase models against each other",
    "recent_to_fading": "recent revenue against the longer past",
    "recent_to_pareto": "recent revenue against the purchase model",
    "prior": "the prior",
    "expected_purchases": "purchases expected by the purchase model",
}
# Weights of the geometric mean: spend and purchase x value the same, the prior the rest.
PRIOR_SHARE = 0.2
TREE_SHARE = (1 - PRIOR_SHARE) / 2
SMALLEST_PROBABILITY = 1e-4
# Trees need at least as many training cutoffs; with fewer they lose to Pareto/NBD.
LEAST_CUTOFFS = 3
RECENT_HALF_LIFE = 90


@dataclass(frozen=True)
class Inputs:
    """What the trees read of some rows: features (rows, columns), money and odds to start from."""

    matrix: NDArray[np.float32]
    names: tuple[str, ...]
    prior: FloatArray
    probability: FloatArray


@dataclass(frozen=True)
class Trees:
    """Three boosters and the numbers around them.

    scale: money that one unit of the boosters is worth. buyer_share: factor that makes the value a
    buyer brings, prior / probability, fit the buyers.
    """

    spend: xgb.Booster
    purchase: xgb.Booster
    value: xgb.Booster
    names: tuple[str, ...]
    scale: float
    buyer_share: float

    def predict(self, inputs: Inputs) -> tuple[FloatArray, FloatArray]:
        """Season-free spending (money) and probability of a purchase, each (rows,)."""
        data = xgb.DMatrix(inputs.matrix, nthread=THREADS)
        spend = self.scale * _run(self.spend, data, np.log(inputs.prior / self.scale))
        probability = expit(_run(self.purchase, data, logit(inputs.probability), margin=True))
        start = self.buyer_share * inputs.prior / inputs.probability
        value = self.scale * _run(self.value, data, np.log(start / self.scale))
        logs = np.log(spend) + np.log(probability * value)
        mixed = np.exp(TREE_SHARE * logs + PRIOR_SHARE * np.log(inputs.prior))
        return mixed, probability


def _run(
    booster: xgb.Booster, data: xgb.DMatrix, offset: FloatArray, *, margin: bool = False
) -> FloatArray:
    """Predictions of a booster from an offset, as doubles."""
    data.set_base_margin(offset)
    return booster.predict(data, output_margin=margin).astype(float)


def comparisons(
    parts: Parts,
    prior: FloatArray,
    floor: float,
    features: pd.DataFrame,
    around: Surroundings,
    pred_months: int,
) -> FloatArray:
    """The columns of COMPARISONS, (rows, 6); money below a tenth of `floor` counts as that."""
    recent = fading_spending(features, around, pred_months * DAYS_A_MONTH, RECENT_HALF_LIFE)
    logs = np.log(np.maximum(np.column_stack([parts.money, recent]), floor / 10))
    return np.column_stack(
        [
            logs[:, NAIVE] - logs[:, PARETO],
            logs[:, BG] - logs[:, PARETO],
            logs[:, -1] - logs[:, FADING],
            logs[:, -1] - logs[:, PARETO],
            np.log(prior),
            np.log(parts.pareto_purchases + SMALLEST_PROBABILITY),
        ]
    )


def starting_probability(parts: Parts, around: Surroundings) -> FloatArray:
    """Probability of a purchase if purchases were Poisson, season included, (rows,)."""
    found = -np.expm1(-parts.pareto_purchases * around.window_season)
    return np.clip(found, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)


def feature_matrix(
    features: pd.DataFrame, around: Surroundings, history_months: int
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Features of windows of equal length: NaN where the log does not cover what one needs."""
    columns: list[FloatArray] = []
    for feature in FEATURES:
        months = history_months if feature.months == WHOLE_WINDOW else feature.months
        values = features[feature.name].to_numpy(float, na_value=np.nan)
        columns.append(np.where(around.observed_months >= months, values, np.nan))
    matrix = np.column_stack(columns).astype(np.float32)
    return matrix, tuple(feature.name for feature in FEATURES)


def fit_trees(
    inputs: Inputs, spending: FloatArray, bought: NDArray[np.bool_], *, seed: int
) -> Trees:
    """Boosters for season-free spending (money, >= 0) and purchases of shape (rows,).

    Errors: ValueError if nobody bought or everybody did not spend.
    """
    positive = spending > 0
    if not positive.any():
        raise ValueError(
            "no customer spent anything in a training window: there is no value to fit"
        )
    scale = float(inputs.prior.mean())
    data = _quantised(inputs.matrix)
    spend = _fit("spend", data, spending / scale, np.log(inputs.prior / scale), seed)
    purchase = _fit("purchase", data, bought.astype(float), logit(inputs.probability), seed)
    start = (inputs.prior / inputs.probability)[positive]
    share = float(spending[positive].sum() / start.sum())
    buyers = _quantised(inputs.matrix[positive])
    value = _fit("value", buyers, spending[positive] / scale, np.log(share * start / scale), seed)
    return Trees(spend, purchase, value, inputs.names, scale, share)


def _quantised(matrix: NDArray[np.float32]) -> xgb.QuantileDMatrix:
    """The features in bins, shared by boosters of the same rows."""
    return xgb.QuantileDMatrix(matrix, max_bin=SHARED["max_bin"], nthread=THREADS)


def _fit(
    part: str, data: xgb.QuantileDMatrix, label: FloatArray, offset: FloatArray, seed: int
) -> xgb.Booster:
    """One booster of SETTINGS."""
    settings, rounds = SETTINGS[part]
    data.set_label(label)
    data.set_base_margin(offset)
    return xgb.train({**SHARED, **settings, "seed": seed}, data, rounds)
