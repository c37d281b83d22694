"""The protocol: the champion beside naive and Pareto/NBD in every case of many logs, and its lives.

python bench/protocol.py [--log NAME]... [--home DIR]... [--every N] [--seed N]

A case is one training: history {3, 6, 9, 12, all} x pred {1, 3, 6, 9, 12} months x every second
month end that leaves a label window in the log. A life is one champion, frozen, and the eight
monthly windows after its training. Logs are CDNOW, ten simulated shops (shops.py), and the homes
given, whose log is read as it is. Seeds from 100 on are for judging; recipes are chosen on others.

The result is warehouse/protocol/: cases.csv, lives.csv, and results.md with the tables by stratum.
"""

import json
import multiprocessing
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from dateutil.relativedelta import relativedelta
from shops import KINDS, Shop

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

from ml.delivery.demo import cdnow_transactions  # noqa: E402
from ml.home.dates import window_end  # noqa: E402
from ml.home.layout import Home  # noqa: E402
from ml.life.session import open_session  # noqa: E402
from ml.model.champion.champion import Champion, NothingMaturedError, fit_champion  # noqa: E402
from ml.model.forecast.purchase_forecast import PurchaseForecasts  # noqa: E402
from ml.model.measures.bootstrap import paired_bootstrap  # noqa: E402
from ml.model.measures.certainty import brier_score, interval_tails, reliability  # noqa: E402
from ml.model.measures.metrics import d2, mae, normalised_gini  # noqa: E402
from ml.trials.training_frames import Frames, Trial, frames_of  # noqa: E402
from ml.warehouse.state import first_day  # noqa: E402

FOLDER = REPOSITORY / "warehouse" / "protocol"
HISTORIES = (3, 6, 9, 12, 36)
PREDICTIONS = (1, 3, 6, 9, 12)
# history, pred and how much of the log lies before the training
LIVES = [
    (*windows, share) for windows in ((6, 3), (9, 3), (12, 6), (36, 1)) for share in (0.45, 0.65)
]
LIFE_MONTHS = 8
LEAST_MONTHS = 3
LEAST_CUSTOMERS = 100
# Rows a training learns from: enough for logs of this size, and a case takes some seconds.
MAX_EXAMPLES = 20_000
SEED, RESAMPLES = 7, 200
CONFIG = """source:
  files: warehouse/raw/*.parquet
  columns: {customer_id: customer_id, order_id: order_id, ordered_at: ordered_at, amount: amount}
  timezone: UTC
  currency: USD
run:
  last_score_cutoff: "1990-01-01"
"""


@dataclass(frozen=True)
class Log:
    """A log with its home, and the seed of its shop (0 if it is none)."""

    name: str
    home: Path
    seed: int


def prepared(log: Log) -> Home:
    """The home of a log; that of a simulated shop and of CDNOW is made here."""
    raw = log.home / "warehouse" / "raw"
    if log.home.is_relative_to(FOLDER) and not raw.exists():
        raw.mkdir(parents=True)
        (log.home / "config").mkdir()
        (log.home / "config" / "model_config.yaml").write_text(CONFIG)
        orders = cdnow_transactions() if log.name == "CDNOW" else Shop(log.name, log.seed).orders()
        orders.to_parquet(raw / "log.parquet", index=False)
    command = [sys.executable, str(REPOSITORY / "orchestrate.py"), "--home", str(log.home)]
    subprocess.run([*command, "--quiet", "load"], check=True, stdout=subprocess.DEVNULL)
    return Home(log.home)


def month_ends(start: date, end: date, every: int, pred: int) -> list[date]:
    """Every `every`-th month end before a label window that the log covers, the newest counted."""
    last = (end + timedelta(days=1)).replace(day=1) - relativedelta(months=pred)
    firsts = [last - relativedelta(months=step * every) for step in range(60)]
    earliest = start + relativedelta(months=LEAST_MONTHS) - timedelta(days=7)
    return [first - timedelta(days=1) for first in firsts if first >= earliest]


def trials_of(start: date, end: date, every: int) -> tuple[list[Trial], list[list[Trial]]]:
    """All cases of a log, and its lives: the training, then its eight windows."""
    cases = [
        Trial(cutoff, history, pred)
        for pred in PREDICTIONS
        for cutoff in month_ends(start, end, every, pred)
        for history in HISTORIES
    ]
    lives = []
    for history, pred, share in LIVES:
        ends = month_ends(start, end, 1, 1)[::-1]
        first = ends[max(int(share * len(ends)), pred)] if len(ends) > pred else None
        if first is None:
            continue
        steps = [first + timedelta(days=1) + relativedelta(months=n) for n in range(LIFE_MONTHS)]
        days = [step - timedelta(days=1) for step in steps]
        lives.append([Trial(day, history, pred) for day in days if window_end(day, pred) <= end])
    return cases, [life for life in lives if life]


def champion_of(
    frames: Frames, trial: Trial, examples: pd.DataFrame, models: PurchaseForecasts
) -> Champion:
    """The champion of a trial, which learns from the examples."""
    return fit_champion(
        examples,
        frames.monthly_revenue(trial),
        cutoff=trial.training_cutoff,
        history_months=trial.history_months,
        pred_months=trial.pred_months,
        seed=SEED,
        max_examples=MAX_EXAMPLES,
        value_tiers=(1, 5, 10, 20, 50),
        models=models,
    )


def judged(
    champion: Champion, frames: Frames, trial: Trial, examples: pd.DataFrame
) -> dict[str, Any]:
    """What a champion said of one window, beside what came."""
    now = examples[examples["months_back"] == 0].reset_index(drop=True)
    later = frames.later_actuals(trial).set_index("customer_id").loc[now["customer_id"]]
    actual = later["actual_clv"].to_numpy(float)
    bought = (later["actual_order_count"] > 0).to_numpy(float)
    model_input = champion.model_input(now)
    said = champion.predict_from(model_input)
    rivals = champion.rival_forecasts(model_input)
    money = said["predicted_clv"].to_numpy(float)
    low, high = (said[f"predicted_clv_{end}"].to_numpy(float) for end in ("low", "high"))
    probability = said["probability_of_purchase"].to_numpy(float)
    textbook = champion.recipe.forecast.probability_of_purchase(now)
    ends = champion.intervals.total_bounds(money.sum(), float(said["predicted_clv_variance"].sum()))
    return asdict(trial) | {
        "customers": len(now),
        "weights": json.dumps({k: round(v, 2) for k, v in champion.gate.weights.items()}),
        **_against_the_better(actual, money, rivals),
        "normalised_gini": normalised_gini(actual, money),
        "mae": mae(actual, money),
        "mae_pareto_nbd": mae(actual, rivals["pareto_nbd"]),
        "actual_total": actual.sum(),
        "predicted_total": money.sum(),
        "total_is_inside": bool(ends[0] <= actual.sum() <= ends[1]),
        "expected_buyers": probability.sum(),
        "actual_buyers": bought.sum(),
        "brier": brier_score(bought, probability),
        "brier_pareto_nbd": brier_score(bought, np.clip(textbook, 0, 1)),
        **_by_tenth(interval_tails(actual, money, low, high), ("above", "below")),
        **_by_tenth(reliability(bought, probability), ("mean_probability", "share_that_bought")),
    }


def _against_the_better(
    actual: np.ndarray, money: np.ndarray, rivals: pd.DataFrame
) -> dict[str, Any]:
    """D2 of all three, and the paired difference to the better rival with its 90 % bounds."""
    scores = {name: d2(actual, rivals[name]) for name in ("naive", "pareto_nbd")}
    better = max(scores, key=lambda name: np.nan_to_num(scores[name], nan=-np.inf))
    lead = paired_bootstrap(
        actual, money, rivals[better], metric="d2", seed=SEED, resamples=RESAMPLES
    )
    return {
        "d2": d2(actual, money),
        "d2_naive": scores["naive"],
        "d2_pareto_nbd": scores["pareto_nbd"],
        "better_rival": better,
        "lead": lead.difference,
        "lead_low": lead.low,
        "lead_high": lead.high,
    }


def _by_tenth(table: pd.DataFrame, columns: tuple[str, ...]) -> dict[str, float]:
    """Columns of a table by tenth as one row: above_1, above_2, …"""
    return {
        f"{column}_{tenth}": value
        for column in columns
        for tenth, value in zip(table["decile"], table[column], strict=True)
    }


def measured(task: tuple[Log, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cases and lives of one log."""
    log, every = task
    home = prepared(log)
    with open_session(home, lambda words: None) as session:
        with session.bench.side.connect() as con:
            start = first_day(con)
        cases, lives = trials_of(start, session.newest_day, every)
        cases_rows, lives_rows, models = [], [], PurchaseForecasts()
        wanted = list(dict.fromkeys([*cases, *(trial for life in lives for trial in life)]))
        with frames_of(session, wanted) as frames:
            for trial in cases:
                cases_rows += _rows(frames, [trial], log, models)
            for life in lives:
                lives_rows += _rows(frames, life, log, models)
    print(f"{log.name}: {len(cases_rows)} cases, {len(lives_rows)} windows of lives", flush=True)
    return pd.DataFrame(cases_rows), pd.DataFrame(lives_rows)


def _rows(
    frames: Frames, windows: list[Trial], log: Log, models: PurchaseForecasts
) -> list[dict[str, Any]]:
    """One champion of the first window, judged in all; none if nothing matured or few bought."""
    examples = frames.examples(windows[0])
    if examples["months_back"].eq(0).sum() < LEAST_CUSTOMERS:
        return []
    try:
        champion = champion_of(frames, windows[0], examples, models)
    except NothingMaturedError:
        return []
    label = {
        "log": log.name,
        "seed": log.seed,
        "matured_cutoffs": examples.loc[examples["actual_clv"].notna(), "cutoff"].nunique(),
    }
    rows = [label | {"age": 0} | judged(champion, frames, windows[0], examples)]
    rows += [
        label | {"age": age} | judged(champion, frames, window, frames.examples(window))
        for age, window in enumerate(windows[1:], start=1)
    ]
    return [row for row in rows if row["customers"] >= LEAST_CUSTOMERS]


def as_markdown(table: pd.DataFrame) -> str:
    """The table as Markdown, shares and scores with three digits."""

    def cell(value: object) -> str:
        return f"{value:.3f}" if isinstance(value, float) and value % 1 else f"{value}"

    rows = [list(table.columns), ["---"] * len(table.columns)]
    rows += [[cell(value) for value in row] for row in table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def stratum_table(cases: pd.DataFrame, by: list[str]) -> str:
    """Cases, those significantly worse, mean lead and D2 by stratum, as Markdown."""
    cases = cases.assign(
        is_worse=cases["lead_high"] < 0,
        lead=cases["lead"].clip(-1, 1),
        d2=cases["d2"].clip(-1, 1),
        mae_ratio=(cases["mae"] / cases["mae_pareto_nbd"]).clip(upper=3),
    )
    table = cases.groupby(by).agg(
        cases=("lead", "size"),
        worse=("is_worse", "sum"),
        mean_lead=("lead", "mean"),
        mean_d2=("d2", "mean"),
        mae_to_pareto_nbd=("mae_ratio", "median"),
        total_inside=("total_is_inside", "mean"),
    )
    return table.reset_index().pipe(as_markdown)


def certainty_table(lives: pd.DataFrame) -> str:
    """Totals, buyers and Brier score by log, as Markdown."""
    groups = lives.groupby("log")
    table = pd.DataFrame(
        {
            "windows": groups.size(),
            "total_inside": groups["total_is_inside"].mean(),
            "buyers": groups["expected_buyers"].sum() / groups["actual_buyers"].sum() - 1,
            "brier": groups["brier"].mean(),
            "brier_pareto_nbd": groups["brier_pareto_nbd"].mean(),
        }
    )
    table.loc["all"] = [
        len(lives),
        lives["total_is_inside"].mean(),
        lives["expected_buyers"].sum() / lives["actual_buyers"].sum() - 1,
        lives["brier"].mean(),
        lives["brier_pareto_nbd"].mean(),
    ]
    return table.reset_index().pipe(as_markdown)


def tenths_table(lives: pd.DataFrame) -> str:
    """Shares above and below the interval, stated and seen probabilities, by tenth."""
    rows = []
    for tenth in range(1, 11):
        columns = ("above", "below", "mean_probability", "share_that_bought")
        rows.append({"tenth": tenth} | {c: lives[f"{c}_{tenth}"].mean() for c in columns})
    return pd.DataFrame(rows).pipe(as_markdown)


def main(
    log: Annotated[list[str] | None, typer.Option(help="CDNOW or a kind of shop")] = None,
    home: Annotated[list[Path] | None, typer.Option(help="a home with another log")] = None,
    every: Annotated[int, typer.Option(help="months between the cutoffs of the cases")] = 2,
    seed: Annotated[int, typer.Option(help="of the simulated shops")] = 100,
) -> None:
    """Measure, and write warehouse/protocol."""
    names = log if log is not None else ["CDNOW", *KINDS]
    logs = [Log(one.name, one.resolve(), 0) for one in home or []]
    for name in names:
        number = 0 if name == "CDNOW" else seed
        logs.append(Log(name, FOLDER / f"{name.replace(' ', '_')}_{number}", number))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        parts = pool.map(measured, [(one, every) for one in logs], chunksize=1)
    cases, lives = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    cases.to_csv(FOLDER / "cases.csv", index=False)
    lives.to_csv(FOLDER / "lives.csv", index=False)
    evidence = cases.assign(matured=cases["matured_cutoffs"].clip(upper=4))
    text = "\n\n".join(
        [
            "# Cases by log",
            stratum_table(cases, ["log"]),
            "# Cases by matured cutoffs (4: four and more)",
            stratum_table(evidence, ["matured"]),
            "# Lives: totals and buyers",
            certainty_table(lives),
            "# Lives: by tenth",
            tenths_table(lives),
        ]
    )
    (FOLDER / "results.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    typer.run(main)
