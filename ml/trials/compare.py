"""The `compare` command: two models of the ledger on the newest window both can be judged on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from dateutil.relativedelta import relativedelta

from ml.home.errors import CallError
from ml.home.layout import Home
from ml.ledger.manifest import load_artefact, model_row
from ml.life.session import open_session, require_days
from ml.model.measures.bootstrap import paired_bootstrap
from ml.trials.figures import Figures, figures_of
from ml.trials.training_frames import Frames, Trial, frames_of

COMPARED = ("d2", "mae", "rmse")


@dataclass(frozen=True)
class Difference:
    """First less second model, its 90 % interval, how often the first is better in resamples."""

    metric: str
    difference: float | None
    low: float | None
    high: float | None
    share_better: float | None


@dataclass(frozen=True)
class CompareAnswer:
    """Figures of both models by id, on the customers both score in the newest matured window.

    trained_later: models that have seen these labels.
    """

    cutoff: date
    pred_months: int
    customers: int
    trained_later: list[str]
    models: dict[str, Figures]
    differences: list[Difference]


def compare(
    home: Home, progress: Callable[[str], None], first_id: str, second_id: str
) -> CompareAnswer:
    """Both models on the same customers of the newest matured window; nothing is changed.

    Customers are those whom both models score. Raises CallError for an unknown model or for
    models that predict windows of different length.
    """
    rows = [model_row(home, model_id) for model_id in (first_id, second_id)]
    if rows[0].pred_months != rows[1].pred_months:
        raise CallError(
            f"{first_id} predicts {rows[0].pred_months} months, {second_id} {rows[1].pred_months}",
            "compare two models with equal pred_months",
        )
    with open_session(home, progress) as session:
        after = session.newest_day + timedelta(days=1) - relativedelta(months=rows[0].pred_months)
        cutoff = after - timedelta(days=1)
        for row in rows:
            require_days(session, cutoff, row.history_months)
        trials = [Trial(cutoff, row.history_months, row.pred_months) for row in rows]
        with frames_of(session, list(dict.fromkeys(trials))) as frames:
            scored = [
                _scored(home, row.model_id, frames, trial)
                for row, trial in zip(rows, trials, strict=True)
            ]
        seed = session.config.training.seed
    both = scored[0].join(scored[1], how="inner", lsuffix="_first", rsuffix="_second")
    actual = both["actual_clv_first"].to_numpy(float)
    money = {
        model_id: both[f"predicted_clv_{side}"].to_numpy(float)
        for model_id, side in ((first_id, "first"), (second_id, "second"))
    }
    return CompareAnswer(
        cutoff=cutoff,
        pred_months=rows[0].pred_months,
        customers=len(both),
        trained_later=[row.model_id for row in rows if row.training_cutoff > cutoff],
        models={model_id: figures_of(actual, predicted) for model_id, predicted in money.items()},
        differences=[
            Difference(
                metric, **vars(paired_bootstrap(actual, *money.values(), metric=metric, seed=seed))
            )
            for metric in (COMPARED if len(money) == 2 else ())
        ],
    )


def _scored(home: Home, model_id: str, frames: Frames, trial: Trial) -> pd.DataFrame:
    """predicted_clv and actual_clv by customer_id."""
    examples = frames.examples(trial)
    now = examples[examples["months_back"] == 0].reset_index(drop=True)
    later = frames.later_actuals(trial).set_index("customer_id")["actual_clv"]
    predicted = load_artefact(home, model_id).champion.predict(now)["predicted_clv"]
    return pd.DataFrame(
        {
            "predicted_clv": predicted.to_numpy(float),
            "actual_clv": now["customer_id"].map(later).to_numpy(np.float64),
        },
        index=pd.Index(now["customer_id"], name="customer_id"),
    )
