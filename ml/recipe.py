"""The recipe: season, prior, level and trees learned from stacked monthly cutoffs.

Everything is fitted on what was known at one cutoff and then frozen, so that the score of a
customer at a later cutoff depends on nobody else in the batch.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.feature_names import ALL_COLUMNS, EXAMPLE_COLUMNS
from ml.gate import LEAST_CUTOFFS
from ml.prior import PARETO, Parts, Prior, PurchaseForecast, Surroundings, fit_prior, parts_of
from ml.season import Season, fit_season
from ml.trees import Inputs, Trees, comparisons, feature_matrix, fit_trees, starting_probability
from ml.trees import COMPARISONS as COMPARISON_WORDS

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MOST_CUTOFFS = 12
# A window with fewer months of history than this says little about a customer.
LEAST_MONTHS = 3
# The mix and the level come from at least so many cutoffs, over the longest history that has them.
PRIOR_CUTOFFS = 4
HORIZONS = (12, 9, 6, 3)
# Variance of a total's log that no backtest shows: the next window is a new one.
UNSEEN_LEVEL_VARIANCE = 0.01
LONE_CUTOFF_VARIANCE = 0.0225
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Level:
    """How far the labels pull the total away from Pareto/NBD's.

    log_ratios: log(actual / Pareto/NBD) of the total, season-free, by training cutoff, newest
    first. weight: share of their mean that is believed. factor: frozen multiplier of the mix, which
    itself fits the labels fully; 1 if the labels are believed fully.
    """

    log_ratios: tuple[float, ...]
    weight: float
    factor: float

    @property
    def sd(self) -> float:
        """Standard deviation of the log of a total."""
        variance = float(np.var(self.log_ratios)) if len(self.log_ratios) > 2 else LONE_CUTOFF_VARIANCE
        return float(np.sqrt(variance + UNSEEN_LEVEL_VARIANCE))


@dataclass(frozen=True)
class Spending:
    """Forecasts of some customers, money of their label window, each (customers,).

    typical: season-free and level-free forecast of the trees (of the prior without trees), which
    chooses the interval. trees is the prior's where there are none.
    """

    prior: FloatArray
    trees: FloatArray
    typical: FloatArray
    probability: FloatArray


@dataclass(frozen=True)
class Recipe:
    """The fitted recipe of one cutoff; plain numbers, and boosters if the cutoffs allowed trees."""

    history_months: int
    pred_months: int
    log_start: pd.Timestamp | None
    season: Season
    forecast: PurchaseForecast
    prior: Prior
    level: Level
    trees: Trees | None
    tree_cutoffs: tuple[str, ...]
    prior_cutoffs: tuple[str, ...]
    horizon_months: int

    def around(self, features: pd.DataFrame) -> Surroundings:
        """Observed months and seasons of every row, by its cutoff."""
        return surroundings(
            features["cutoff"],
            self.season,
            self.log_start,
            history_months=self.history_months,
            pred_months=self.pred_months,
        )

    def inputs(self, features: pd.DataFrame, around: Surroundings) -> Inputs:
        """What the trees read of every row."""
        names = self.trees.names if self.trees else None
        parts = parts_of(self.forecast, features, around)
        return tree_inputs(features, around, parts, self.prior, self.history_months, names)

    def spending(self, features: pd.DataFrame) -> Spending:
        """Forecasts of prior and trees with season and level, in row order."""
        around = self.around(features)
        seasonal = around.window_season * self.level.factor
        inputs = self.inputs(features, around)
        if self.trees is None:
            probability = self.forecast.probability_of_purchase(features)
            money = inputs.prior * seasonal
            return Spending(money, money, inputs.prior, probability)
        mixed, probability = self.trees.predict(inputs)
        return Spending(inputs.prior * seasonal, mixed * seasonal, mixed, probability)


@dataclass(frozen=True)
class Lessons:
    """Training rows with all that is known of them, season taken out; arrays of shape (rows,)."""

    rows: pd.DataFrame
    around: Surroundings
    parts: Parts
    spending: FloatArray
    actual: FloatArray
    is_prior_row: BoolArray


def surroundings(
    cutoffs: pd.Series,
    season: Season,
    log_start: pd.Timestamp | None,
    *,
    history_months: int,
    pred_months: int,
) -> Surroundings:
    """Observed months and seasons per row, computed once per cutoff."""
    codes, days = pd.factorize(pd.to_datetime(cutoffs))
    table = np.ones((max(len(days), 1), 3))
    for place, day in enumerate(days):
        start = day + DAY
        observed = history_months
        if log_start is not None:
            observed = min(history_months, _months_between(log_start, start))
        table[place, 0] = observed
        if season.is_applied:
            table[place, 1] = season.factor(start, -max(observed, 1))
            table[place, 2] = season.factor(start, pred_months)
    found = table[codes]
    return Surroundings(found[:, 0], found[:, 1], found[:, 2])


def _months_between(first: pd.Timestamp, last: pd.Timestamp) -> int:
    """Whole calendar months from first to last, 0 or more."""
    months = (last.year - first.year) * 12 + last.month - first.month
    return max(months - (first + pd.DateOffset(months=months) > last), 0)


def tree_inputs(
    features: pd.DataFrame,
    around: Surroundings,
    parts: Parts,
    prior: Prior,
    history_months: int,
    names: tuple[str, ...] | None,
) -> Inputs:
    """Features and offsets; without `names`, the columns that the newest cutoff does not have at
    all are left out for good."""
    matrix, columns = feature_matrix(features, around, history_months)
    money = prior.predict(parts)
    days = float(features["pred_months"].iloc[0]) * 30.4375
    extra = comparisons(parts, money, features, around, days).astype(np.float32)
    matrix, columns = np.hstack([matrix, extra]), (*columns, *COMPARISON_WORDS)
    if names is None:
        newest = (features["cutoff"] == features["cutoff"].max()).to_numpy()
        has = ~np.isnan(matrix[newest]).all(axis=0)
    else:
        has = np.isin(columns, names)
    kept = tuple(name for name, keep in zip(columns, has, strict=True) if keep)
    return Inputs(matrix[:, has], kept, money, starting_probability(parts, around))


def fit_recipe(
    examples: pd.DataFrame,
    monthly_revenue: pd.DataFrame,
    *,
    cutoff: pd.Timestamp,
    history_months: int,
    pred_months: int,
    seed: int,
    max_examples: int,
) -> tuple[Recipe, Lessons]:
    """The recipe on what was known at `cutoff`; labels of unfinished windows must be NaN.

    examples: rows of customer_features() with EXAMPLE_COLUMNS; months_back 0 is the cutoff itself.
    Without a matured window the mix is Pareto/NBD. Errors: ValueError for missing columns, no row
    at the cutoff, or customers who all bought on the cutoff itself.
    """
    check_examples(examples, cutoff)
    log_start = _log_start(examples)
    season = fit_season(monthly_revenue, cutoff=cutoff, pred_months=pred_months)
    now = examples[examples["months_back"] == 0]
    windows = {"history_months": history_months, "pred_months": pred_months}
    around = surroundings(now["cutoff"], season, log_start, **windows)
    forecast = PurchaseForecast.fit(
        now, history_season=float(around.history_season[0]), pred_months=pred_months
    )
    matured = _matured(examples, pred_months, history_months, max_examples)
    horizon, prior_back = _prior_cutoffs(matured, history_months)
    around = surroundings(matured["cutoff"], season, log_start, **windows)
    parts = parts_of(forecast, matured, around)
    actual = matured["actual_clv"].to_numpy(float) / around.window_season
    is_prior_row = matured["months_back"].isin(prior_back).to_numpy()
    spending = np.maximum(actual, 0)
    lessons = Lessons(matured, around, parts, spending, actual, is_prior_row)
    prior = _fit_prior(lessons, forecast, now, around=_around_now(now, season, log_start, windows))
    level = _fit_level(lessons, pred_months)
    recipe = Recipe(
        history_months,
        pred_months,
        log_start,
        season,
        forecast,
        prior,
        level,
        _fit_trees(lessons, now, prior, season, log_start, windows, seed),
        _days(matured["cutoff"]),
        _days(matured.loc[is_prior_row, "cutoff"]),
        horizon,
    )
    return recipe, lessons
