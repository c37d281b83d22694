"""Out-of-time accuracy of the recipe and of everything a user could pick instead.

Train at a cutoff on what was known then; compare the forecast with what came later. The rivals get
the same customers. It is the only accuracy that the documents quote.

Pure: one cutoff's examples as they were known then, and what became known later.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.model.champion.champion import Champion, fit_champion
from ml.model.champion.rivals import fit_buy_till_you_die, fit_rfm_trees
from ml.model.measures.bootstrap import paired_bootstrap
from ml.model.measures.certainty import interval_tails, reliability
from ml.model.measures.metrics import METRICS, decile_calibration, interval_coverage

FloatArray = NDArray[np.float64]

CHAMPION = "champion"
# Metrics whose difference to a rival gets a paired bootstrap.
COMPARED = ("d2", "normalised_gini", "mae", "rmse")
RESAMPLES = 500


@dataclass(frozen=True)
class BacktestResult:
    """Tables of one cutoff.

    metrics: one row per forecast, with METRICS, coverage of the champion's intervals, and the
    customers. comparisons: one row per rival and metric, champion minus rival with its 90 % bounds.
    deciles: one row per forecast and decile; for the champion with the shares above and below its
    intervals and, by tenth of its probabilities, these beside the share that bought. decisions:
    what the champion decided.
    """

    metrics: pd.DataFrame
    comparisons: pd.DataFrame
    deciles: pd.DataFrame
    decisions: dict[str, object]


def backtest_cutoff(
    examples: pd.DataFrame,
    monthly_revenue: pd.DataFrame,
    actual: pd.DataFrame,
    *,
    cutoff: pd.Timestamp,
    seed: int,
    max_examples: int,
) -> BacktestResult:
    """Train on what was known at `cutoff` and compare with what came later.

    examples, monthly_revenue: as for fit_champion(), labels of unfinished windows NaN. actual:
    customer_id, actual_clv (money) and actual_order_count of every customer of the cutoff.
    Errors: ValueError as of fit_champion(), or if a customer of the cutoff has no actual.
    """
    history, pred = (int(examples[name].iloc[0]) for name in ("history_months", "pred_months"))
    champion = fit_champion(
        examples,
        monthly_revenue,
        cutoff=pd.Timestamp(cutoff).date(),
        history_months=history,
        pred_months=pred,
        seed=seed,
        max_examples=max_examples,
        value_tiers=(),  # accuracy by value tier is for the card alone
    )
    now = examples[examples["months_back"] == 0].sort_values("customer_id", ignore_index=True)
    predictions = champion.predict(now)
    forecasts = {CHAMPION: predictions["predicted_clv"].to_numpy(float)}
    forecasts |= _rival_forecasts(champion, examples, now, seed)
    truth = _actual_of(now, actual, "actual_clv")
    bought = (_actual_of(now, actual, "actual_order_count") > 0).astype(float)
    return _result(champion, truth, bought, predictions, forecasts, seed)


def _result(
    champion: Champion,
    truth: FloatArray,
    bought: FloatArray,
    predictions: pd.DataFrame,
    forecasts: dict[str, FloatArray],
    seed: int,
) -> BacktestResult:
    """All tables of the case, each row labelled with it."""
    windows = champion.recipe.windows
    case = {
        "cutoff": date.fromisoformat(champion.cutoff),
        "history_months": windows.history_months,
        "pred_months": windows.pred_months,
    }
    metrics = pd.DataFrame(_metrics(truth, forecasts) | _coverage(truth, predictions))
    return BacktestResult(
        metrics=_labelled(metrics, case),
        comparisons=_labelled(_comparisons(truth, forecasts, seed), case),
        deciles=_labelled(_deciles(truth, bought, predictions, forecasts), case),
        decisions=case | champion.card_entries["decisions"],
    )


def _actual_of(now: pd.DataFrame, actual: pd.DataFrame, column: str) -> FloatArray:
    """A column of the actuals in the order of the customers."""
    values = now["customer_id"].map(actual.set_index("customer_id")[column])
    if values.isna().any():
        customer = now["customer_id"][values.isna()].iloc[0]
        raise ValueError(f"customer {customer} has no {column}: give one for every customer")
    return values.to_numpy(float)


def _rival_forecasts(
    champion: Champion, examples: pd.DataFrame, now: pd.DataFrame, seed: int
) -> dict[str, FloatArray]:
    """Every rival's forecast of the same customers, money."""
    model_input = champion.model_input(now)
    frozen = champion.rivals.predict_from(model_input)
    context = model_input.context
    bg_nbd = fit_buy_till_you_die(champion.recipe.forecast, "bg_nbd", now, context)
    matured = examples[examples["actual_clv"].notna()]
    newest = matured[matured["months_back"] == matured["months_back"].min()]
    newest = newest.sort_values("customer_id")
    rfm = fit_rfm_trees(newest, newest["actual_clv"].to_numpy(float), seed=seed)
    return {
        "naive": frozen["naive"],
        "bg_nbd": bg_nbd.predict(now, context),
        "pareto_nbd": frozen["pareto_nbd"],
        "xgb_rfm": rfm.predict(now, context),
    }


def _metrics(truth: FloatArray, forecasts: dict[str, FloatArray]) -> dict[str, list[object]]:
    """Columns of metrics, one row per forecast."""
    table: dict[str, list[object]] = {"forecast": list(forecasts)}
    for name, metric in METRICS.items():
        table[name] = [metric(truth, money) for money in forecasts.values()]
    table["customer_count"] = [len(truth)] * len(forecasts)
    table["mean_actual"] = [float(truth.mean())] * len(forecasts)
    return table


def _coverage(truth: FloatArray, predictions: pd.DataFrame) -> dict[str, list[float]]:
    """Coverage of the champion's intervals, overall and in the best tenth; NaN for rivals."""
    low = predictions["predicted_clv_low"].to_numpy(float)
    high = predictions["predicted_clv_high"].to_numpy(float)
    order = np.argsort(-predictions["predicted_clv"].to_numpy(float), kind="stable")
    best = order[: -(-len(order) // 10)]
    rest = [float("nan")] * 4  # the rivals have no interval
    return {
        "coverage": [interval_coverage(truth, low, high), *rest],
        "top_decile_coverage": [interval_coverage(truth[best], low[best], high[best]), *rest],
    }


def _comparisons(truth: FloatArray, forecasts: dict[str, FloatArray], seed: int) -> pd.DataFrame:
    """Paired bootstrap of the champion against every rival."""
    rows: list[dict[str, object]] = []
    for rival in (name for name in forecasts if name != CHAMPION):
        for metric in COMPARED:
            result = paired_bootstrap(
                truth,
                forecasts[CHAMPION],
                forecasts[rival],
                metric=metric,
                seed=seed,
                resamples=RESAMPLES,
            )
            rows.append({"rival": rival, "metric": metric, **vars(result)})
    return pd.DataFrame(rows)


def _deciles(
    truth: FloatArray,
    bought: FloatArray,
    predictions: pd.DataFrame,
    forecasts: dict[str, FloatArray],
) -> pd.DataFrame:
    """Mean predicted and actual by tenth for every forecast, and the champion's certainty."""
    tables = [
        decile_calibration(truth, money).assign(forecast=name) for name, money in forecasts.items()
    ]
    said = [predictions[f"predicted_clv{end}"] for end in ("", "_low", "_high")]
    certainty = interval_tails(truth, *said).merge(
        reliability(bought, predictions["probability_of_purchase"])
    )
    tables[0] = tables[0].merge(certainty, on="decile")
    return pd.concat(tables, ignore_index=True)


def _labelled(table: pd.DataFrame, case: dict[str, object]) -> pd.DataFrame:
    """The table with its case in front."""
    return pd.concat([pd.DataFrame(case, index=table.index), table], axis=1)
