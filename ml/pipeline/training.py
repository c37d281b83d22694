"""One training: the champion and its clusters, packed with the card that tells how they came."""

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from ml.home.config import Config, load_config
from ml.home.errors import DataNotReadyError, kept_for_the_caller
from ml.home.json_text import as_json
from ml.home.layout import Home
from ml.ledger.artefacts import packed
from ml.ledger.provenance import CodeState, code_state, library_versions
from ml.model.champion.artefact import Artefact
from ml.model.champion.champion import Champion, NothingMaturedError, fit_champion
from ml.model.forecast.clusters import fit_behaviour_clusters
from ml.model.measures.by_customer_kind import NEW_CUSTOMER_DAYS
from ml.model.measures.population import describe_population


@kept_for_the_caller
def train_champion(
    examples: pd.DataFrame, monthly_revenue: pd.DataFrame, fingerprints: pd.DataFrame
) -> pd.DataFrame:
    """Fit on the training windows; one row: model_id, card (JSON), artefact (joblib bytes).

    examples: rows of int_training_examples by cutoff and customer; monthly_revenue: rows of
    int_monthly_revenue up to the cutoff; fingerprints: rows of int_day_fingerprints. Raises
    DataNotReadyError when no label window is complete on the cutoff.
    """
    config = load_config(Home.resolve())
    now = examples[examples["months_back"] == 0]
    cutoff = pd.Timestamp(now["cutoff"].iloc[0]).date()
    champion = _fit(config, cutoff, examples, monthly_revenue)
    clusters = fit_behaviour_clusters(
        now,
        least=config.segments.clusters.min,
        most=config.segments.clusters.max,
        seed=config.training.seed,
        new_days=NEW_CUSTOMER_DAYS,
    )
    money = champion.predict(now)["predicted_clv"].to_numpy()
    artefact = Artefact(
        champion=champion, clusters=clusters, population=describe_population(now, money)
    )
    days = fingerprints[pd.to_datetime(fingerprints["activity_date"]) <= pd.Timestamp(cutoff)]
    card = _card(config, cutoff, days, artefact)
    return pd.DataFrame(
        {
            "model_id": [card["model_id"]],
            "card": [as_json(card)],
            "artefact": [packed(artefact)],
        }
    )


def _fit(
    config: Config, cutoff: date, examples: pd.DataFrame, monthly_revenue: pd.DataFrame
) -> Champion:
    """The champion by the settings of the config.

    Raises DataNotReadyError when no label window is complete on the cutoff.
    """
    windows = config.training
    if examples["actual_clv"].isna().all():
        raise DataNotReadyError(
            f"cutoff {cutoff}: the log holds no window of {windows.pred_months} months to learn "
            f"from before it",
            "train later or with fewer pred_months",
        )
    try:
        return fit_champion(
            examples,
            monthly_revenue,
            cutoff=cutoff,
            history_months=windows.history_months,
            pred_months=windows.pred_months,
            seed=windows.seed,
            max_examples=windows.max_examples,
            value_tiers=tuple(config.segments.value_tiers),
        )
    except NothingMaturedError as error:
        raise DataNotReadyError(str(error), "train later or with fewer pred_months") from None


def _card(
    config: Config, cutoff: date, fingerprints: pd.DataFrame, artefact: Artefact
) -> dict[str, Any]:
    """Everything an auditor asks of the model, in the order of the question."""
    code, windows = code_state(), config.training
    fingerprint = _fingerprint(fingerprints)
    settings = windows.model_dump() | {"clusters": config.segments.clusters.model_dump()}
    entries, clusters = artefact.champion.card_entries, artefact.clusters
    return {
        "model_id": _model_id(fingerprint, settings, cutoff, code),
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_commit": code.commit,
        "code_dirty": code.dirty,
        "code_diff_sha256": code.diff_sha256,
        "training_cutoff": cutoff.isoformat(),
        "history_months": windows.history_months,
        "pred_months": windows.pred_months,
        "hyper_parameters": entries["hyper_parameters"] | {"settings": settings},
        "data_fingerprint": fingerprint,
        "library_versions": library_versions(),
        "baseline_rmse": entries["baseline"]["rmse"],
        "baseline_r2": entries["baseline"]["r2"],
        "baselines": entries["baselines"],
        "baseline": entries["baseline"],
        "decisions": entries["decisions"],
        "clusters": {
            "names": list(clusters.names),
            "stability": {str(k): figures for k, figures in clusters.stability.items()},
            "words": {
                name: [vars(meaning) for meaning in meanings]
                for name, meanings in zip(clusters.names, clusters.meanings, strict=True)
            },
        },
        "data_days": _data_days(fingerprints),
    }


def _data_days(fingerprints: pd.DataFrame) -> dict[str, str]:
    """Day to row count and hash sum, oldest first; the order of rows within a day is free."""
    days = fingerprints.sort_values("activity_date")
    names = pd.to_datetime(days["activity_date"]).dt.strftime("%Y-%m-%d")
    sums = days["row_count"].astype(str) + ":" + days["row_hash_sum"].astype(str)
    return dict(zip(names, sums, strict=True))


def _fingerprint(fingerprints: pd.DataFrame) -> str:
    """sha256 over the days of the data."""
    return hashlib.sha256(json.dumps(_data_days(fingerprints)).encode()).hexdigest()


def _model_id(fingerprint: str, settings: dict[str, Any], cutoff: date, code: CodeState) -> str:
    """A function of data, config, cutoff and code: the same training gives the same id."""
    parts = [fingerprint, settings, cutoff.isoformat(), code.commit, code.diff_sha256]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    windows = f"h{settings['history_months']}p{settings['pred_months']}"
    return f"{cutoff:%Y%m%d}-{windows}-{digest[:10]}"
