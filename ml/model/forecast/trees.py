"""Shallow trees on the blend's offset: three boosters that say how a customer departs from it.

1. The blend is a good guess. Trees only learn by which factor a customer will miss it.
2. `spend` learns the factor on net revenue at once.
3. `purchase` and `value` learn it in two steps: whether the customer buys, what a buyer brings.
4. The two answers disagree where the data are thin, so their geometric mean is taken.
5. The blend keeps a share of the mean: it goes on where trees, which only cut, cannot.

    prediction = spend^0.4 x (purchase x value)^0.4 x blend^0.2

`spend` and `value` maximise the Tweedie likelihood of power 1.5 (see measures/tweedie.py), on the
log scale; `purchase` the Bernoulli likelihood, on the scale of log odds. XGBoost starts from 0 and
adds trees; here it starts from the blend (its base margin), so a customer of whom the trees know
nothing gets the blend, and 60 to 100 trees of depth 2 and 3 are enough. Money is season-free and
divided by `scale`, so no setting depends on the currency.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray
from scipy.special import expit, logit

from ml.model.forecast.blend import BaseForecasts, fading_spending
from ml.model.forecast.features import FEATURES, WHOLE_WINDOW
from ml.model.forecast.purchase_forecast import DAYS_A_MONTH
from ml.model.forecast.windows import WindowContext

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
# Logarithms of ratios of forecasts: where they disagree, trees can tell who is right. The keys are
# names of drivers in marts and in frozen boosters, where the blend is called prior.
FORECAST_RATIOS = {
    "naive_to_pareto": "past revenue against the purchase model",
    "bg_to_pareto": "two purchase models against each other",
    "recent_to_fading": "recent revenue against the longer past",
    "recent_to_pareto": "recent revenue against the purchase model",
    "prior": "the prior",
    "expected_purchases": "purchases expected by the purchase model",
}
# Weights of the geometric mean: spend and purchase x value the same, the blend the rest.
BLEND_SHARE = 0.2
TREE_SHARE = (1 - BLEND_SHARE) / 2
SMALLEST_PROBABILITY = 1e-4
# Trees need at least as many training cutoffs; with fewer they lose to Pareto/NBD.
LEAST_CUTOFFS = 3
RECENT_HALF_LIFE = 90


@dataclass(frozen=True)
class TreeInputs:
    """What the trees read of some rows, and what they start from.

    matrix: features, (rows, columns), named by `names`. blend: money, (rows,). probability: of a
    purchase in the label window if purchases were Poisson, (rows,).
    """

    matrix: NDArray[np.float32]
    names: tuple[str, ...]
    blend: FloatArray
    probability: FloatArray

    def of_rows(self, chosen: NDArray[np.bool_]) -> "TreeInputs":
        """The inputs of some rows; chosen: (rows,)."""
        return TreeInputs(
            matrix=self.matrix[chosen],
            names=self.names,
            blend=self.blend[chosen],
            probability=self.probability[chosen],
        )

    def with_columns(self, names: tuple[str, ...]) -> "TreeInputs":
        """The inputs with some of the columns, in their order."""
        kept = np.isin(self.names, names)
        return replace(self, matrix=self.matrix[:, kept], names=names)


@dataclass(frozen=True)
class Trees:
    """Three boosters and the numbers around them.

    scale: money that one unit of the boosters is worth. buyer_share: factor that makes the value a
    buyer brings, blend / probability, fit the buyers.
    """

    spend: xgb.Booster
    purchase: xgb.Booster
    value: xgb.Booster
    names: tuple[str, ...]
    scale: float
    buyer_share: float

    def predict(self, inputs: TreeInputs) -> tuple[FloatArray, FloatArray]:
        """Season-free spending (money) and probability of a purchase, each (rows,)."""
        data = xgb.DMatrix(inputs.matrix, nthread=THREADS)
        spend = self.scale * _run(self.spend, data, np.log(inputs.blend / self.scale))
        probability = expit(_run(self.purchase, data, logit(inputs.probability), margin=True))
        start = self.buyer_share * inputs.blend / inputs.probability
        value = self.scale * _run(self.value, data, np.log(start / self.scale))
        logs = np.log(spend) + np.log(probability * value)
        mixed = np.exp(TREE_SHARE * logs + BLEND_SHARE * np.log(inputs.blend))
        return mixed, probability


def _run(
    booster: xgb.Booster, data: xgb.DMatrix, offset: FloatArray, *, margin: bool = False
) -> FloatArray:
    """Predictions of a booster from an offset, as doubles."""
    data.set_base_margin(offset)
    return booster.predict(data, output_margin=margin).astype(float)


def forecast_ratios(
    base: BaseForecasts,
    blend: FloatArray,
    smallest: float,
    features: pd.DataFrame,
    context: WindowContext,
    pred_months: int,
) -> FloatArray:
    """The columns of FORECAST_RATIOS, (rows, 6).

    blend, smallest: money; forecasts below a tenth of `smallest` count as that.
    """
    lately = fading_spending(features, context, pred_months * DAYS_A_MONTH, RECENT_HALF_LIFE)
    money = np.column_stack([base.stacked(), lately])
    naive, bg_nbd, _, pareto_nbd, fading, recent = np.log(np.maximum(money, smallest / 10)).T
    return np.column_stack(
        [
            naive - pareto_nbd,
            bg_nbd - pareto_nbd,
            recent - fading,
            recent - pareto_nbd,
            np.log(blend),
            np.log(base.purchases.pareto_nbd + SMALLEST_PROBABILITY),
        ]
    )


def starting_probability(base: BaseForecasts, context: WindowContext) -> FloatArray:
    """Probability of a purchase if purchases were Poisson, season included, (rows,)."""
    some = -np.expm1(-base.purchases.pareto_nbd * context.label_season)
    return np.clip(some, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)


def feature_matrix(
    features: pd.DataFrame, context: WindowContext, history_months: int
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Features of windows of equal length: NaN where the log does not cover what one needs."""
    columns: list[FloatArray] = []
    for feature in FEATURES:
        months = history_months if feature.months == WHOLE_WINDOW else feature.months
        values = features[feature.name].to_numpy(float, na_value=np.nan)
        columns.append(np.where(context.observed_months >= months, values, np.nan))
    matrix = np.column_stack(columns).astype(np.float32)
    return matrix, tuple(feature.name for feature in FEATURES)


def fit_trees(
    inputs: TreeInputs, spending: FloatArray, bought: NDArray[np.bool_], *, seed: int
) -> Trees:
    """Boosters for season-free spending (money, >= 0) and purchases of shape (rows,).

    Errors: ValueError if nobody bought or everybody did not spend.
    """
    positive = spending > 0
    if not positive.any():
        raise ValueError(
            "no customer spent anything in a training window: there is no value to fit"
        )
    scale = float(inputs.blend.mean())
    data = _quantised(inputs.matrix)
    spend = _fit("spend", data, spending / scale, np.log(inputs.blend / scale), seed)
    purchase = _fit("purchase", data, bought.astype(float), logit(inputs.probability), seed)
    start = (inputs.blend / inputs.probability)[positive]
    share = float(spending[positive].sum() / start.sum())
    buyers = _quantised(inputs.matrix[positive])
    value = _fit("value", buyers, spending[positive] / scale, np.log(share * start / scale), seed)
    return Trees(
        spend=spend,
        purchase=purchase,
        value=value,
        names=inputs.names,
        scale=scale,
        buyer_share=share,
    )


def _quantised(matrix: NDArray[np.float32]) -> xgb.QuantileDMatrix:
    """The features in bins, shared by boosters of the same rows."""
    return xgb.QuantileDMatrix(matrix, max_bin=SHARED["max_bin"], nthread=THREADS)


def _fit(
    name: str, data: xgb.QuantileDMatrix, label: FloatArray, offset: FloatArray, seed: int
) -> xgb.Booster:
    """One booster of SETTINGS."""
    settings, rounds = SETTINGS[name]
    data.set_label(label)
    data.set_base_margin(offset)
    return xgb.train({**SHARED, **settings, "seed": seed}, data, rounds)
