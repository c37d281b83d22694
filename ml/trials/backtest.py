"""The `backtest` command: the recipe and its rivals out of time. Owns outputs/backtest."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from ml.home.config import Training
from ml.home.dates import window_end
from ml.home.errors import DataNotReadyError
from ml.home.files import place_atomically
from ml.home.layout import Home
from ml.life.session import Session, open_session, require_days
from ml.model.champion.champion import NothingMaturedError
from ml.model.champion.out_of_time import BacktestResult, backtest_cutoff
from ml.model.measures.metrics import METRICS
from ml.trials.backtest_picture import draw_backtest
from ml.trials.figures import Figures
from ml.trials.training_frames import Frames, Trial, frames_of


@dataclass(frozen=True)
class Case:
    """One training of a backtest, its windows in months, and a forecast made with it."""

    cutoff: date
    history_months: int
    pred_months: int
    forecast: str


@dataclass(frozen=True)
class ForecastFigures(Figures, Case):
    """How good a forecast was in one case.

    mean_actual: money a customer brought. coverage: share of customers inside the champion's 80 %
    interval, of all and of the best tenth; None for its rivals.
    """

    customer_count: int
    mean_actual: float
    coverage: float | None
    top_decile_coverage: float | None


@dataclass(frozen=True)
class RivalDifference:
    """Champion less rival on the same resampled customers, with its 90 % interval."""

    cutoff: date
    history_months: int
    pred_months: int
    rival: str
    metric: str
    difference: float | None
    low: float | None
    high: float | None
    share_better: float | None


@dataclass(frozen=True)
class BacktestAnswer:
    """Means over the cutoffs by forecast, every case, the champion's decisions, files written."""

    cutoffs: list[date]
    means: dict[str, Figures]
    metrics: list[ForecastFigures]
    comparisons: list[RivalDifference]
    decisions: list[dict[str, Any]]
    files: list[str]


def backtest(
    home: Home,
    progress: Callable[[str], None],
    cutoffs: list[date],
    history_months: int | None = None,
    pred_months: int | None = None,
) -> BacktestAnswer:
    """Train at each cutoff on what was known then and compare the forecast with what came later.

    Raises DataNotReadyError when a label window has not matured. Nothing of the warehouse changes.
    """
    with open_session(home, progress) as session:
        windows = session.config.training
        history, pred = history_months or windows.history_months, pred_months or windows.pred_months
        trials = [Trial(cutoff, history, pred) for cutoff in sorted(set(cutoffs))]
        for trial in trials:
            _require_matured(session, trial)
        results = []
        with frames_of(session, trials) as frames:
            for trial in trials:
                progress(f"training and scoring at {trial.training_cutoff}")
                results.append(_result(frames, trial, windows))
    return _write(home, results, f"h{history}_pred{pred}m", session.config.source.currency)


def _result(frames: Frames, trial: Trial, settings: Training) -> BacktestResult:
    """The backtest of one cutoff. Raises DataNotReadyError when nothing had matured by then."""
    try:
        return backtest_cutoff(
            frames.examples(trial),
            frames.monthly_revenue(trial),
            frames.later_actuals(trial),
            cutoff=pd.Timestamp(trial.training_cutoff),
            seed=settings.seed,
            max_examples=settings.max_examples,
        )
    except NothingMaturedError as error:
        raise DataNotReadyError(
            str(error), "choose a later cutoff or fewer pred_months (--pred)"
        ) from None


def _require_matured(session: Session, trial: Trial) -> None:
    require_days(session, trial.training_cutoff, trial.history_months)
    end = window_end(trial.training_cutoff, trial.pred_months)
    if end > session.newest_day:
        raise DataNotReadyError(
            f"cutoff {trial.training_cutoff}: its window ends on {end}, the data ends on "
            f"{session.newest_day}",
            "choose an earlier cutoff or fewer pred_months (--pred)",
        )


def _write(home: Home, results: list[BacktestResult], name: str, currency: str) -> BacktestAnswer:
    """Write CSV files and picture; returns the answer of the command."""
    tables: dict[str, pd.DataFrame] = {
        kind: pd.concat([getattr(result, kind) for result in results], ignore_index=True)
        for kind in ("metrics", "comparisons", "deciles")
    }
    folder, files = home.outputs / "backtest", []
    for kind, table in tables.items():
        path = folder / f"backtest_{kind}_{name}.csv"
        place_atomically(path, lambda part, table=table: table.to_csv(part, index=False))
        files.append(path)
    picture = folder / f"backtest_{name}.png"
    place_atomically(picture, lambda part: draw_backtest(tables, name, currency, part))
    means = tables["metrics"].groupby("forecast", sort=False)[list(METRICS)].mean()
    return BacktestAnswer(
        cutoffs=[result.metrics["cutoff"].iloc[0] for result in results],
        means={row.pop("forecast"): Figures(**row) for row in _rows(means.reset_index())},
        metrics=[ForecastFigures(**row) for row in _rows(tables["metrics"])],
        comparisons=[RivalDifference(**row) for row in _rows(tables["comparisons"])],
        decisions=[result.decisions for result in results],
        files=[home.relative(path) for path in [*files, picture]],
    )


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows by column, an undefined figure None."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]
