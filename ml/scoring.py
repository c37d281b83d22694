"""Scores and clusters of one batch by models of the ledger. Reads the home, writes nothing."""

from collections.abc import Iterator

import pandas as pd

from ml.home import Home
from ml.registry import load_artefact
from ml.training import Artefact

WINDOW = ["cutoff", "history_months", "pred_months"]


def score_customers(features: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """Predictions per customer and model.

    features: rows of int_customer_features in a fixed order; models: rows of int_scoring_models.
    Columns: cutoff, model_id, customer_id, predicted_clv, predicted_clv_low, predicted_clv_high
    (80 % interval, currency of the log), probability_of_purchase (0-1), and what the rivals
    frozen with the model say: predicted_naive, predicted_pareto_nbd.
    """
    scored = []
    for artefact, key, rows in _by_model(features, models):
        predictions = artefact.champion.predict(rows)
        rivals = artefact.champion.rivals(rows).add_prefix("predicted_")
        scored.append(pd.concat([key, predictions, rivals], axis=1))
    return pd.concat(scored, ignore_index=True)


def assign_clusters(features: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """Cluster per customer and model: cutoff, model_id, customer_id, cluster_id, cluster_name."""
    assigned = [
        pd.concat([key, artefact.clusters.assign(rows)], axis=1)
        for artefact, key, rows in _by_model(features, models)
    ]
    return pd.concat(assigned, ignore_index=True)


def explain_customers(features: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """The three strongest drivers of each prediction; columns of ml.drivers and model_id."""
    explained = [
        artefact.champion.drivers(rows).assign(model_id=key["model_id"].iloc[0])
        for artefact, key, rows in _by_model(features, models)
    ]
    return pd.concat(explained, ignore_index=True)


def predict_totals(features: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """Revenue expected of all customers together, with an 80 % interval: one row per model."""
    totals = [
        artefact.champion.predict_total(rows).assign(
            cutoff=key["cutoff"].iloc[0], model_id=key["model_id"].iloc[0], customers=len(rows)
        )
        for artefact, key, rows in _by_model(features, models)
    ]
    return pd.concat(totals, ignore_index=True)


def compare_populations(
    features: pd.DataFrame, scores: pd.DataFrame, models: pd.DataFrame
) -> pd.DataFrame:
    """The batch beside the training population of each model: its key and ml.stability.COLUMNS.

    features: as in score_customers; scores: customer_id, model_id, predicted_clv. A model whose
    artefact holds no population has no rows.
    """
    compared = []
    for artefact, key, rows in _by_model(features, models):
        if artefact.population is not None:
            mine = key.merge(scores, how="left", on=["customer_id", "model_id"])
            shifts = artefact.population.compare(rows, mine["predicted_clv"].to_numpy(float))
            batch = {name: key[name].iloc[0] for name in ("cutoff", "model_id")}
            compared.append(shifts.assign(**batch))
    types = {"indicator": "string", "feature": "string", "model_id": "string"}
    types |= {"value": "float64", "reference": "float64", "noise": "float64"}
    if not compared:
        return pd.DataFrame({"cutoff": pd.Series(dtype="datetime64[us]")}).assign(
            **{name: pd.Series(dtype=kind) for name, kind in types.items()}
        )
    return pd.concat(compared, ignore_index=True).astype(types)


def _by_model(
    features: pd.DataFrame, models: pd.DataFrame
) -> Iterator[tuple[Artefact, pd.DataFrame, pd.DataFrame]]:
    """Artefact, key columns and feature rows of each model: those of its own window."""
    home = Home.resolve()
    for model in models.to_dict("records"):
        mine = (features[WINDOW] == [model[name] for name in WINDOW]).all(axis=1)
        rows = features[mine].reset_index(drop=True)
        key = rows[["cutoff", "customer_id"]].assign(model_id=model["model_id"])
        yield load_artefact(home, model["model_id"]), key, rows
