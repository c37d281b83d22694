"""The `tune` command: which history and prediction windows to train with. Owns outputs/grid_search.

Every cell of the grid is scored at the same cutoffs on the same customers, those of the shortest
history. Its figure is the share of the deviance left by the better of naive and Pareto/NBD that
the recipe explains, averaged over the cutoffs, less one standard error. Where no cell is above 0 no
windows are better than a simple forecast, and the config keeps its own.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pandas as pd
from dateutil.relativedelta import relativedelta

from ml.home.config import MOST_HISTORY_MONTHS, MOST_PRED_MONTHS, load_config
from ml.home.config_lines import set_values
from ml.home.errors import CallError, DataNotReadyError
from ml.home.files import place_atomically, write_atomically
from ml.home.layout import Home
from ml.ledger.provenance import code_state
from ml.life.session import Session, connected, open_session, require_days
from ml.model.champion.rivals import fit_rivals
from ml.model.forecast.purchase_forecast import PurchaseForecasts
from ml.model.forecast.recipe import fit_recipe
from ml.model.measures.metrics import METRICS, d2
from ml.trials.grid_picture import draw_grid
from ml.trials.training_frames import Frames, Trial, frames_of
from ml.warehouse.state import content_of_files, first_day

HISTORIES = (3, 6, 9, 12, 15, 18)
PREDICTIONS = (3, 6, 9, 12)
LEAST_CUTOFFS = 3
# A training needs this many months behind its newest matured window.
LEAST_HISTORY = 3
PICTURES = ("skill", "rmse", "r2")


@dataclass(frozen=True)
class Cell:
    """One cell of the grid: windows in months, means over the cutoffs, objective and rank.

    Figures are None, and `reason` says why, where the cell could not be scored.
    """

    history_months: int
    pred_months: int
    skill: float | None
    rmse: float | None
    mae: float | None
    r2: float | None
    d2: float | None
    normalised_gini: float | None
    spearman: float | None
    top_decile_share: float | None
    bias: float | None
    rmse_over_mean: float | None
    skill_se: float | None
    objective: float | None
    cutoffs: float | None
    reason: str
    cell_rank: float | None


@dataclass(frozen=True)
class TuneAnswer:
    """The cells, best first, the windows that the config now has, and the files.

    is_written: whether they are those of the best cell, written to the config. False where no cell
    beats the simple forecasts; the config is then as it was.
    """

    cutoff: date
    cutoffs: list[date]
    is_written: bool
    history_months: int
    pred_months: int
    cells: list[Cell]
    files: list[str]


@dataclass(frozen=True)
class Grid:
    """Cells that can be scored, the cutoffs they share, and why the others cannot."""

    cells: list[tuple[int, int]]
    cutoffs: list[date]
    infeasible: dict[tuple[int, int], str]


def tune(
    home: Home,
    progress: Callable[[str], None],
    cutoff: date | None = None,
    histories: list[int] | None = None,
    predictions: list[int] | None = None,
) -> TuneAnswer:
    """Score the grid on what was known at `cutoff` and write the best windows to the config.

    The config stays as it is where no cell beats the simple forecasts: its objective is not above
    0. Raises DataNotReadyError when no cell has three cutoffs. What a killed search had scored is
    taken up again.
    """
    with open_session(home, progress) as session:
        session.publish_load()
        at = cutoff or session.newest_day
        require_days(session, at, LEAST_HISTORY)
        with connected(session) as con:
            start, content = first_day(con), content_of_files(con)
        grid = feasible_grid(
            start, at, histories or list(HISTORIES), predictions or list(PREDICTIONS)
        )
        if not grid.cells:
            raise DataNotReadyError(
                f"cutoff {at}: the log from {start} is too short for {LEAST_CUTOFFS} cutoffs of "
                f"any cell",
                "keep the windows of the config, or give a smaller --pred",
            )
        journal = Journal(home, _key(session, grid, content))
        scores = _scores(session, grid, journal)
        table = rank_cells(scores, grid)
        best = table.iloc[0]
        if pd.isna(best["objective"]):
            raise DataNotReadyError(
                f"cutoff {at}: no cell can be scored because nobody bought again in any label "
                f"window",
                "keep the windows of the config",
            )
        files = _write(home, at, table, scores, session.config.source.currency)
        is_written = bool(best["objective"] > 0)
        if is_written:
            windows = {name: str(int(best[name])) for name in ("history_months", "pred_months")}
            set_values(home, "training", windows)
        journal.close()
    training = load_config(home).training
    return TuneAnswer(
        cutoff=at,
        cutoffs=grid.cutoffs,
        is_written=is_written,
        history_months=training.history_months,
        pred_months=training.pred_months,
        cells=_cells(table),
        files=files,
    )


def feasible_grid(
    first_day: date, cutoff: date, histories: list[int], predictions: list[int]
) -> Grid:
    """The cells that three common cutoffs can score, given the log's first day.

    The cutoffs lie one month apart, the newest so far back that the longest scorable label window
    is complete on `cutoff`. A cell is left out when its label windows leave nothing to train on,
    or when the log does not cover its history at every cutoff.
    """
    after = cutoff + timedelta(days=1)
    covered = _months_between(first_day, after)
    for option, months, most in (
        ("--history", histories, MOST_HISTORY_MONTHS),
        ("--pred", predictions, MOST_PRED_MONTHS),
    ):
        if not all(1 <= month <= most for month in months):
            raise CallError(f"{option} is not a number of months we can use", f"give 1 to {most}")
    fitting = [
        pred for pred in predictions if covered >= 2 * pred + LEAST_CUTOFFS - 1 + LEAST_HISTORY
    ]
    back = max(fitting, default=0)
    cutoffs = [
        after - relativedelta(months=back + step) - timedelta(days=1)
        for step in range(LEAST_CUTOFFS)
    ]
    observed = covered - back - LEAST_CUTOFFS + 1
    cells, infeasible = [], {}
    for history in sorted(set(histories)):
        for pred in sorted(set(predictions)):
            if pred not in fitting:
                infeasible[history, pred] = "too few cutoffs: label windows too long for the log"
            elif history > observed:
                infeasible[history, pred] = "too few cutoffs: the log does not cover the history"
            else:
                cells.append((history, pred))
    return Grid(cells, cutoffs, infeasible)


def rank_cells(scores: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """One row per cell, best first, infeasible ones last with their reason.

    objective = mean skill less one standard error; ties go to normalised Gini, then to |bias|.
    """
    reference = scores.groupby(["cutoff", "pred_months"])["rival_d2"].transform("max")
    scored = scores.assign(skill=1 - (1 - scores["d2"]) / (1 - reference))
    by_cell = scored.groupby(["history_months", "pred_months"])
    table = by_cell[["skill", *METRICS, "rmse_over_mean"]].mean()
    table["skill_se"] = by_cell["skill"].sem()
    table["objective"] = table["skill"] - table["skill_se"]
    table["cutoffs"] = by_cell.size()
    table = table.reset_index().assign(reason="")
    order = table.assign(
        rounded=table["objective"].round(6), gini=table["normalised_gini"], off=table["bias"].abs()
    ).sort_values(
        ["rounded", "gini", "off", "history_months", "pred_months"],
        ascending=[False, False, True, True, True],
    )
    left_out = pd.DataFrame(
        [(*cell, reason) for cell, reason in grid.infeasible.items()],
        columns=["history_months", "pred_months", "reason"],
    )
    ranked = table.loc[order.index].assign(cell_rank=range(1, len(table) + 1))
    tables = [ranked, left_out] if len(left_out) else [ranked]
    return pd.concat(tables, ignore_index=True)


def _cells(table: pd.DataFrame) -> list[Cell]:
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [Cell(**{str(name): value for name, value in row.items()}) for row in rows]


class Journal:
    """Scores already computed by a search that was killed, on disk until the search ends."""

    def __init__(self, home: Home, key: str) -> None:
        self._path = home.outputs / "grid_search" / "unfinished_search.json"
        self._key = key
        self._scores: dict[str, dict[str, float]] = {}
        if self._path.exists():
            journal = json.loads(self._path.read_text(encoding="utf-8"))
            self._scores = journal["scores"] if journal["key"] == key else {}

    def score(self, trial: Trial, compute: Callable[[], dict[str, float]]) -> dict[str, float]:
        """The score of a trial, computed only when it is not known yet."""
        name = _name(trial)
        if name not in self._scores:
            self._scores[name] = compute()
            content = json.dumps({"key": self._key, "scores": self._scores})
            write_atomically(self._path, content.encode())
        return self._scores[name]

    def __contains__(self, trial: Trial) -> bool:
        return _name(trial) in self._scores

    def close(self) -> None:
        """Forget the scores: the search is done."""
        self._path.unlink(missing_ok=True)


def _name(trial: Trial) -> str:
    return f"{trial.training_cutoff} h{trial.history_months} p{trial.pred_months}"


def _key(session: Session, grid: Grid, content: list[str]) -> str:
    """A hash of data, code, settings and grid: scores of another search are not used."""
    training = session.config.training
    ingredients = [content, asdict(code_state()), grid.cells, grid.cutoffs]
    ingredients += [training.seed, training.max_examples]
    return hashlib.sha256(json.dumps(ingredients, default=str).encode()).hexdigest()


def _scores(session: Session, grid: Grid, journal: Journal) -> pd.DataFrame:
    """One row per cell and cutoff."""
    trials = [Trial(cutoff, *cell) for cutoff in grid.cutoffs for cell in grid.cells]
    shortest = min(history for history, _ in grid.cells)
    rows, started, done, models = [], time.monotonic(), 0, PurchaseForecasts()
    left = sum(trial not in journal for trial in trials)
    with frames_of(session, trials) as frames:
        for trial in trials:
            if trial not in journal:
                session.progress(_time_left(trial, done, left, started))
                done += 1
            score = journal.score(
                trial, lambda t=trial: _score(session, frames, t, shortest, models)
            )
            cell = {"history_months": trial.history_months, "pred_months": trial.pred_months}
            rows.append({"cutoff": trial.training_cutoff, **cell, **score})
    return pd.DataFrame(rows)


def _time_left(trial: Trial, done: int, left: int, started: float) -> str:
    name = f"{trial.history_months} + {trial.pred_months} months at {trial.training_cutoff}"
    if not done:
        return f"training {done + 1} of {left}: {name}"
    seconds = (time.monotonic() - started) / done * (left - done)
    return f"training {done + 1} of {left}: {name}, about {seconds:.0f} s left"


def _score(
    session: Session, frames: Frames, trial: Trial, shortest: int, models: PurchaseForecasts
) -> dict[str, float]:
    """Metrics of the recipe, and D2 of its best rival, on the common customers of the cutoff."""
    training, day = session.config.training, pd.Timestamp(trial.training_cutoff)
    examples = frames.examples(trial)
    recipe, _ = fit_recipe(
        examples,
        frames.monthly_revenue(trial),
        cutoff=day,
        seed=training.seed,
        max_examples=training.max_examples,
        models=models,
        is_whole=False,
    )
    everybody = examples[examples["months_back"] == 0].reset_index(drop=True)
    common = frames.customers_since(trial, shortest)
    now = everybody[everybody["customer_id"].isin(common)].reset_index(drop=True)
    later = frames.later_actuals(trial).set_index("customer_id")["actual_clv"]
    actual = now["customer_id"].map(later).to_numpy(float)
    predicted = recipe.spending(recipe.model_input(now)).trees
    context = recipe.windows.context(now["cutoff"])
    forecasts = fit_rivals(recipe, everybody).predict(now, context)
    rivals = [d2(actual, money) for money in forecasts.values()]
    figures = {name: metric(actual, predicted) for name, metric in METRICS.items()}
    mean = float(actual.mean())
    figures["rmse_over_mean"] = figures["rmse"] / mean if mean > 0 else float("nan")
    return figures | {"rival_d2": float(pd.Series(rivals).max()), "customers": float(len(now))}


def _write(
    home: Home, cutoff: date, table: pd.DataFrame, scores: pd.DataFrame, currency: str
) -> list[str]:
    """Write results and pictures of the search; returns the names of the files."""
    folder, files = home.outputs / "grid_search", list[Path]()
    for name, rows in (("cells", table), ("cutoffs", scores)):
        path = folder / f"grid_search_{name}_{cutoff}.csv"
        place_atomically(path, lambda part, rows=rows: rows.to_csv(part, index=False))
        files.append(path)
    for figure in PICTURES:
        path = folder / f"grid_search_{figure}_{cutoff}.png"
        draw = partial(
            draw_grid, table, figure, currency=currency, numbers=f"grid_search_cells_{cutoff}.csv"
        )
        place_atomically(path, draw)
        files.append(path)
    return [home.relative(path) for path in files]


def _months_between(first: date, after: date) -> int:
    """Whole calendar months of [first, after); a log that starts within a week covers the month."""
    span = relativedelta(after, first - timedelta(days=7))
    return span.years * 12 + span.months
