"""The recipe: season, prior, level and trees learned from stacked monthly cutoffs.

Everything is fitted on what was known at one cutoff and then frozen, so that the score of a
customer at a later cutoff depends on nobody else in the batch.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.model.forecast.blend import (
    PARETO,
    Parts,
    Prior,
    PurchaseForecast,
    Surroundings,
    fit_prior,
    parts_of,
)
from ml.model.forecast.features import ALL_COLUMNS, EXAMPLE_COLUMNS
from ml.model.forecast.season import Season, fit_season
from ml.model.forecast.trees import (
    COMPARISONS,
    LEAST_CUTOFFS,
    Inputs,
    Trees,
    comparisons,
    feature_matrix,
    fit_trees,
    starting_probability,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MOST_CUTOFFS = 12
# A window with fewer months of history than this says little about a customer.
LEAST_MONTHS = 3
# Mix and level come from at least so many cutoffs, with the longest history that has them.
PRIOR_CUTOFFS = 4
HORIZONS = (12, 9, 6, 3)
# Variance of the log of a total that no backtest shows: the next window is a new one.
UNSEEN_VARIANCE = 0.01
# Variance between windows where too few cutoffs show it.
USUAL_VARIANCE = 0.0225
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Windows:
    """Where the windows lie and what their months are like.

    log_start: first whole month the log covers, None if every training window is covered.
    """

    history_months: int
    pred_months: int
    log_start: pd.Timestamp | None
    season: Season

    def around(self, cutoffs: pd.Series) -> Surroundings:
        """Observed months and seasons per row, worked out once per cutoff."""
        codes, days = pd.factorize(pd.to_datetime(cutoffs))
        table = np.array([self._of(day + DAY) for day in days], float).reshape(-1, 3)
        return Surroundings(*table[codes].T)

    def _of(self, start: pd.Timestamp) -> tuple[float, float, float]:
        """Observed months, history season and window season of the window that starts there."""
        observed = self.history_months
        if self.log_start is not None:
            observed = min(observed, _whole_months(self.log_start, start))
        history = self.season.factor(start, -max(observed, 1))
        return float(observed), history, self.season.factor(start, self.pred_months)


@dataclass(frozen=True)
class Level:
    """How far the labels pull the total away from Pareto/NBD's.

    log_ratios: log(actual / Pareto/NBD) of the total, season-free, by training cutoff, newest
    first. weight: the share of their mean that is believed. factor: multiplier of the mix, which
    by itself fits the labels fully; 1 if they are believed fully.
    """

    log_ratios: tuple[float, ...]
    weight: float
    factor: float

    @property
    def sd(self) -> float:
        """Standard deviation of the log of a total."""
        seen = float(np.var(self.log_ratios)) if len(self.log_ratios) > 2 else USUAL_VARIANCE
        return float(np.sqrt(seen + UNSEEN_VARIANCE))


@dataclass(frozen=True)
class Spending:
    """Forecasts of some customers, money of their label window, each (customers,).

    typical: the forecast without season and level, which chooses the interval. Without trees,
    `trees` repeats the prior.
    """

    prior: FloatArray
    trees: FloatArray
    typical: FloatArray
    probability: FloatArray


@dataclass(frozen=True)
class Reading:
    """Rows of features, what their windows are like, and what models and trees make of them."""

    features: pd.DataFrame
    around: Surroundings
    parts: Parts
    inputs: Inputs


@dataclass(frozen=True)
class Recipe:
    """The fitted recipe of one cutoff; plain numbers, and boosters if the cutoffs allow trees.

    horizon_months: history that the log covers at every prior cutoff, 0 without one.
    typical_purchases, typical_day_revenue: means over the customers of the cutoff, of purchase days
    expected in a usual window and of the money expected of one.
    """

    windows: Windows
    forecast: PurchaseForecast
    prior: Prior
    level: Level
    trees: Trees | None
    tree_cutoffs: tuple[str, ...]
    prior_cutoffs: tuple[str, ...]
    horizon_months: int
    typical_purchases: float
    typical_day_revenue: float

    def read(self, features: pd.DataFrame) -> Reading:
        """What every forecast of some customers starts from, computed once."""
        around = self.windows.around(features["cutoff"])
        parts = parts_of(self.forecast, features, around)
        inputs = _inputs(features, around, parts, self.prior)
        if self.trees is not None:
            inputs = _select(inputs, self.trees.names)
        return Reading(features, around, parts, inputs)

    def spending(self, reading: Reading) -> Spending:
        """Forecasts of prior and trees with season and level, in row order."""
        seasonal = reading.around.window_season * self.level.factor
        prior = reading.inputs.prior
        if self.trees is None:
            probability = self.forecast.probability_of_purchase(reading.features)
            return Spending(prior * seasonal, prior * seasonal, prior, probability)
        mixed, probability = self.trees.predict(reading.inputs)
        return Spending(prior * seasonal, mixed * seasonal, mixed, probability)


@dataclass(frozen=True)
class Lessons:
    """Training rows, season taken out: money of actual (net) and inputs, arrays of (rows,)."""

    rows: pd.DataFrame
    parts: Parts
    actual: FloatArray
    is_prior_row: BoolArray
    inputs: Inputs

    @property
    def bought(self) -> BoolArray:
        """Whether the customer ordered in the label window."""
        return (self.rows["actual_order_count"] > 0).to_numpy()


def fit_recipe(
    examples: pd.DataFrame,
    monthly_revenue: pd.DataFrame,
    *,
    cutoff: pd.Timestamp,
    seed: int,
    max_examples: int,
) -> tuple[Recipe, Lessons]:
    """The recipe on what was known at `cutoff`; labels of unfinished windows must be NaN.

    examples: rows of customer_features() with EXAMPLE_COLUMNS, months_back 0 being the cutoff
    itself. Without a matured window the mix is Pareto/NBD alone. Errors: ValueError for missing
    columns, no row at the cutoff, or customers who all bought first on the cutoff.
    """
    check_examples(examples, cutoff)
    now = examples[examples["months_back"] == 0]
    windows = _fit_windows(examples, monthly_revenue, cutoff)
    history = windows.around(now["cutoff"]).history_season
    forecast = PurchaseForecast.fit(
        now, history_season=float(history[0]), pred_months=windows.pred_months
    )
    prior, level, lessons = _learn(windows, forecast, now, _matured(examples, max_examples))
    fitted = (windows, forecast, prior, level, _learn_trees(lessons, seed))
    return _described(fitted, lessons, now), lessons


def _learn_trees(lessons: Lessons, seed: int) -> Trees | None:
    """Trees if enough cutoffs have matured and somebody spent in one of them."""
    if lessons.rows["cutoff"].nunique() < LEAST_CUTOFFS or not (lessons.actual > 0).any():
        return None
    return fit_trees(lessons.inputs, np.maximum(lessons.actual, 0), lessons.bought, seed=seed)


def _described(
    fitted: tuple[Windows, PurchaseForecast, Prior, Level, Trees | None],
    lessons: Lessons,
    now: pd.DataFrame,
) -> Recipe:
    """The recipe with what it was learned from and who the typical customer was."""
    chosen = lessons.rows[lessons.is_prior_row]
    forecast = fitted[1]
    return Recipe(
        *fitted,
        _days(lessons.rows["cutoff"]),
        _days(chosen["cutoff"]),
        0 if chosen.empty else int(chosen["observed_months"].min()),
        float(forecast.purchases(now)[:, -1].mean()),
        float(forecast.day_value(now).mean()),
    )


def check_examples(examples: pd.DataFrame, cutoff: pd.Timestamp) -> None:
    """Raise ValueError for missing columns, or if nobody bought in the cutoff's history."""
    missing = sorted((ALL_COLUMNS | set(EXAMPLE_COLUMNS)) - set(examples.columns))
    if missing:
        raise ValueError(f"examples lack the columns {', '.join(missing)}: build them with dbt")
    if not (examples["months_back"] == 0).any():
        raise ValueError(
            f"no customer bought in the history window of {cutoff.date()}: choose another cutoff "
            "or a longer history_months"
        )


def _fit_windows(
    examples: pd.DataFrame, monthly_revenue: pd.DataFrame, cutoff: pd.Timestamp
) -> Windows:
    """Windows of the examples with the season known at the cutoff."""
    history, pred = (int(examples[name].iloc[0]) for name in ("history_months", "pred_months"))
    season = fit_season(monthly_revenue, cutoff=cutoff, pred_months=pred)
    partial = examples[examples["observed_months"] < history]
    if partial.empty:
        return Windows(history, pred, None, season)
    newest = partial["cutoff"].max()
    observed = int(partial.loc[partial["cutoff"] == newest, "observed_months"].iloc[0])
    start = pd.Timestamp(newest) + DAY - pd.DateOffset(months=observed)
    return Windows(history, pred, start, season)


def _whole_months(first: pd.Timestamp, last: pd.Timestamp) -> int:
    """Whole calendar months from first to last, 0 or more."""
    months = (last.year - first.year) * 12 + last.month - first.month
    return max(months - int(first + pd.DateOffset(months=months) > last), 0)


def _matured(examples: pd.DataFrame, max_examples: int) -> pd.DataFrame:
    """Rows of the newest matured windows with enough history, of at most max_examples rows.

    Too many rows lose whole customers, chosen by a hash of their id.
    """
    enough = np.minimum(examples["history_months"], LEAST_MONTHS)
    usable = examples["actual_clv"].notna() & (examples["observed_months"] >= enough)
    rows = examples[usable & (examples["months_back"] >= examples["pred_months"])]
    newest = np.sort(rows["months_back"].unique())[:MOST_CUTOFFS]
    rows = rows[rows["months_back"].isin(newest)]
    if len(rows) > max_examples:
        rows = rows[customer_hash(rows) < max_examples / len(rows)]
    return rows.reset_index(drop=True)


def customer_hash(rows: pd.DataFrame) -> FloatArray:
    """A number in 0..1 that belongs to the customer, whatever else is in the frame."""
    found = pd.util.hash_array(rows["customer_id"].to_numpy(object), categorize=True)
    return found.astype(float) / 2.0**64


def _learn(
    windows: Windows, forecast: PurchaseForecast, now: pd.DataFrame, rows: pd.DataFrame
) -> tuple[Prior, Level, Lessons]:
    """Mix, level, and the training rows as the trees will read them."""
    if rows.empty:
        return _unlearned(windows, forecast, now, rows)
    around = windows.around(rows["cutoff"])
    parts = parts_of(forecast, rows, around)
    actual = rows["actual_clv"].to_numpy(float) / around.window_season
    chosen = rows["months_back"].isin(_prior_cutoffs(rows)).to_numpy()
    prior = fit_prior(_of_rows(parts, chosen), np.maximum(actual[chosen], 0))
    inputs = _inputs(rows, around, parts, prior)
    newest = _inputs(now, *_parts_now(windows, forecast, now), prior).matrix
    has: BoolArray = np.asarray(~np.isnan(newest).all(axis=0))
    names = tuple(name for name, keep in zip(inputs.names, has, strict=True) if keep)
    lessons = Lessons(rows, parts, actual, chosen, _select(inputs, names))
    return prior, _fit_level(lessons, windows.pred_months), lessons


def _unlearned(
    windows: Windows, forecast: PurchaseForecast, now: pd.DataFrame, rows: pd.DataFrame
) -> tuple[Prior, Level, Lessons]:
    """Pareto/NBD alone: no label window has matured."""
    around, parts = _parts_now(windows, forecast, now)
    prior = fit_prior(parts, np.empty(0))
    inputs = _inputs(now, around, parts, prior)
    nothing = np.empty(0, bool)
    return prior, Level((), 0.0, 1.0), Lessons(rows, parts, np.empty(0), nothing, inputs)


def _parts_now(
    windows: Windows, forecast: PurchaseForecast, now: pd.DataFrame
) -> tuple[Surroundings, Parts]:
    """Surroundings and parts of the rows of the cutoff."""
    around = windows.around(now["cutoff"])
    return around, parts_of(forecast, now, around)


def _of_rows(parts: Parts, chosen: BoolArray) -> Parts:
    """The parts of some rows."""
    return Parts(parts.money[chosen], parts.purchases[chosen], parts.day_value[chosen])


def _prior_cutoffs(rows: pd.DataFrame) -> list[int]:
    """months_back of the cutoffs with the longest history that at least PRIOR_CUTOFFS share."""
    history = int(rows["history_months"].iloc[0])
    observed = rows.groupby("months_back")["observed_months"].first()
    for horizon in (history, *(months for months in HORIZONS if months < history)):
        enough = observed[observed >= horizon]
        if len(enough) >= PRIOR_CUTOFFS:
            return enough.index.tolist()
    return observed.index.tolist()


def _fit_level(lessons: Lessons, pred_months: int) -> Level:
    """Level of the mix: the labels are believed as far as they agree with each other.

    Empirical Bayes: Pareto/NBD with season is a forecast of the total as well; the mean of the
    log ratios is shrunk towards it by mean^2 / (mean^2 + its variance). Overlapping windows count
    as one for every pred_months cutoffs.
    """
    pareto = lessons.parts.money[:, PARETO]
    totals = pd.DataFrame({"actual": lessons.actual, "pareto": pareto})[lessons.is_prior_row]
    back = lessons.rows.loc[lessons.is_prior_row, "months_back"]
    sums = totals.groupby(back.to_numpy()).sum()
    sums = sums[(sums["actual"] > 0) & (sums["pareto"] > 0)]
    ratios = np.log((sums["actual"] / sums["pareto"]).to_numpy(float))
    if not len(ratios):
        return Level((), 1.0, 1.0)
    spread = float(ratios.var()) if len(ratios) > 2 else USUAL_VARIANCE
    mean = float(ratios.mean())
    doubt = spread / max(1.0, len(ratios) / pred_months) + UNSEEN_VARIANCE
    weight = mean**2 / (mean**2 + doubt)
    factor = float(np.exp(-(1 - weight) * mean))
    return Level(tuple(float(ratio) for ratio in ratios), weight, factor)


def _inputs(features: pd.DataFrame, around: Surroundings, parts: Parts, prior: Prior) -> Inputs:
    """Features and offsets of every row, all columns."""
    history, pred = (int(features[name].iloc[0]) for name in ("history_months", "pred_months"))
    matrix, columns = feature_matrix(features, around, history)
    money = prior.predict(parts)
    extra = comparisons(parts, money, prior.floor, features, around, pred)
    matrix = np.hstack([matrix, extra.astype(np.float32)])
    return Inputs(matrix, (*columns, *COMPARISONS), money, starting_probability(parts, around))


def _select(inputs: Inputs, names: tuple[str, ...]) -> Inputs:
    """Some columns of the inputs."""
    kept = np.isin(inputs.names, names)
    return Inputs(inputs.matrix[:, kept], names, inputs.prior, inputs.probability)


def _days(cutoffs: pd.Series) -> tuple[str, ...]:
    """Distinct days, newest first."""
    days = pd.to_datetime(cutoffs.drop_duplicates()).sort_values(ascending=False)
    return tuple(day.date().isoformat() for day in days)
