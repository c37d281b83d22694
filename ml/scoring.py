"""Scores and clusters of one batch by models of the ledger. Reads the home, writes nothing."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from ml.home import Home
from ml.registry import load_artefact
from ml.stability import WATCHED
from ml.training import Artefact

WINDOW = ["cutoff", "history_months", "pred_months"]
# What population_shift reads of a customer.
COMPARED = ["customer_id", *WINDOW, "tenure_days", "gross_revenue", "returned_revenue", *WATCHED]

Score = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]


def by_customer(score: Score, features: Any, models: Any) -> Any:
    """What `score` says of all customers, one by one.

    features, models: relations of int_customer_features and int_scoring_models. DuckDB's rows are
    scored together, as a frame; an engine that holds them in parts scores each part where it lies
    (`in_parts`) with the models opened here, and gives back its own relation.
    """
    opened = open_models(models.df())
    if hasattr(features, "in_parts"):
        return features.in_parts(partial(_score_part, score, opened))
    return score(features.order("customer_id").df(), opened)


def open_models(models: pd.DataFrame) -> pd.DataFrame:
    """Rows of int_scoring_models, each with its verified artefact."""
    home = Home.resolve()
    return models.assign(artefact=[load_artefact(home, name) for name in models["model_id"]])


def _score_part(score: Score, models: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """The score of some customers by the models that read their windows."""
    return score(features, models.merge(features[WINDOW].drop_duplicates(), on=WINDOW))


def score_customers(features: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """Predictions per customer and model.

    features: rows of int_customer_features in a fixed order; models: of open_models().
    Columns: cutoff, model_id, customer_id, predicted_clv, predicted_clv_low, predicted_clv_high
    (80 % interval, currency of the log), probability_of_purchase (0-1), predicted_variance, and
    what the rivals frozen with the model say: predicted_naive, predicted_pareto_nbd.
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


def predict_totals(sums: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """Revenue expected of all customers together, with an 80 % interval: one row per model.

    sums: cutoff, model_id, customers, predicted_total and predicted_variance of each batch.
    """
    artefacts = open_models(models).set_index("model_id")["artefact"]
    bounds = [
        artefacts[model_id].champion.intervals.total_bounds(total, variance)
        for model_id, total, variance in zip(
            sums["model_id"], sums["predicted_total"], sums["predicted_variance"], strict=True
        )
    ]
    ends = ["predicted_total_low", "predicted_total_high"]
    return sums.drop(columns="predicted_variance").join(
        pd.DataFrame(bounds, columns=ends, index=sums.index)
    )


def compare_populations(
    features: pd.DataFrame, scores: pd.DataFrame, models: pd.DataFrame
) -> pd.DataFrame:
    """The batch beside the training population of each model: its key and ml.stability.COLUMNS.

    features: COMPARED in a fixed order; scores: customer_id, model_id, predicted_clv. A model whose
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
    for model in models.to_dict("records"):
        mine = (features[WINDOW] == [model[name] for name in WINDOW]).all(axis=1)
        rows = features[mine].reset_index(drop=True)
        key = rows[["cutoff", "customer_id"]].assign(model_id=model["model_id"])
        yield model["artefact"], key, rows
