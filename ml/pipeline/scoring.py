"""Scores of one batch by models of the ledger, in one pass over it. Reads the home, writes nothing.

Customers are scored some at a time, so that memory does not grow with their number.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.home.errors import kept_for_the_caller
from ml.home.layout import Home
from ml.ledger.manifest import load_artefact
from ml.model.champion.artefact import Artefact
from ml.model.measures.population import exact_sum, small_unit

WINDOW = ["cutoff", "history_months", "pred_months"]
BATCH_ROWS = 50_000
CHAMPION = "champion"
OpenModels = list[tuple[dict[str, Any], Artefact]]

DRIVER = pa.struct(
    [
        ("driver_rank", pa.int32()),
        ("driver_name", pa.string()),
        ("words", pa.string()),
        ("value", pa.float64()),
        ("factor", pa.float64()),
    ]
)
# cluster and drivers are of the champion alone
SCORES = pa.schema(
    [
        ("cutoff", pa.date32()),
        ("model_id", pa.string()),
        ("customer_id", pa.string()),
        ("predicted_clv", pa.float64()),
        ("predicted_clv_low", pa.float64()),
        ("predicted_clv_high", pa.float64()),
        ("probability_of_purchase", pa.float64()),
        ("predicted_clv_variance", pa.float64()),
        ("predicted_naive", pa.float64()),
        ("predicted_pareto_nbd", pa.float64()),
        ("cluster_id", pa.int32()),
        ("cluster_name", pa.string()),
        ("drivers", pa.list_(DRIVER)),
    ]
)


def open_models(models: pd.DataFrame) -> OpenModels:
    """Rows of int_scoring_models by model_id, each with its verified artefact."""
    home = Home.resolve()
    rows = models.sort_values("model_id").to_dict("records")
    return [
        ({str(name): value for name, value in row.items()}, load_artefact(home, row["model_id"]))
        for row in rows
    ]


def score_batches(
    features: Iterable[pa.RecordBatch], models: OpenModels
) -> Iterator[pa.RecordBatch]:
    """Rows of SCORES per customer and model.

    features: rows of int_customer_features in any order; models: of open_models().
    Predictions are money of the label window with an 80 % interval and a variance; predicted_naive
    and predicted_pareto_nbd are what the rivals frozen with the model say.
    """
    for batch in features:
        customers = pa.Table.from_batches([batch]).to_pandas(date_as_object=False)
        for model, artefact in models:
            mine = (customers[WINDOW] == [model[name] for name in WINDOW]).all(axis=1)
            rows = customers[mine].reset_index(drop=True)
            if len(rows):
                yield _scored(rows, model, artefact)


@kept_for_the_caller
def score_relation(session: Any, features: Any, models: Any) -> Any:
    """`score_batches` over relations of int_customer_features and int_scoring_models.

    DuckDB's rows are scored as they are read; an engine that holds them in parts scores each part
    where it lies (`in_parts`), with the models opened here, and gives back its own relation.
    """
    opened = open_models(models.df())
    if hasattr(features, "in_parts"):
        return features.in_parts(partial(score_batches, models=opened), SCORES)
    # the session itself is busy taking in what is returned here
    read = session.cursor().execute(features.sql_query()).fetch_record_batch(BATCH_ROWS)
    return pa.RecordBatchReader.from_batches(SCORES, score_batches(read, opened))


@kept_for_the_caller
def exact_sums(largest: float) -> str:
    """SQL of predicted_total and predicted_variance of scores.

    largest: the largest predicted_clv; it says in which unit eight decimals are enough.
    """
    unit = small_unit(float(largest))
    return (
        f"{exact_sum('predicted_clv', unit)} as predicted_total,"
        f" {exact_sum('predicted_clv_variance', unit * unit)} as predicted_variance"
    )


@kept_for_the_caller
def predict_totals(sums: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """Revenue expected of all customers together, with an 80 % interval: one row per model.

    sums: cutoff, model_id, customers, predicted_total and predicted_variance of each batch.
    """
    intervals = {
        model["model_id"]: artefact.champion.intervals for model, artefact in open_models(models)
    }
    bounds = [
        intervals[model_id].total_bounds(total, variance)
        for model_id, total, variance in zip(
            sums["model_id"], sums["predicted_total"], sums["predicted_variance"], strict=True
        )
    ]
    ends = ["predicted_total_low", "predicted_total_high"]
    return sums.drop(columns="predicted_variance").join(
        pd.DataFrame(bounds, columns=ends, index=sums.index)
    )


@kept_for_the_caller
def compare_populations(customers: Any, models: pd.DataFrame) -> pd.DataFrame:
    """The batch beside the training population of each model: its key and population.COLUMNS.

    customers: a relation of int_customer_features with model_id and predicted_clv. A model whose
    artefact holds no population has no rows.
    """
    compared = []
    for model, artefact in open_models(models):
        if artefact.population is not None:
            shifts = artefact.population.compare(customers.filter(_is_of(model)))
            compared.append(shifts.assign(cutoff=model["cutoff"], model_id=model["model_id"]))
    types = {"indicator": "string", "feature": "string", "model_id": "string"}
    types |= {"value": "float64", "reference": "float64", "noise": "float64"}
    if not compared:
        return pd.DataFrame({"cutoff": pd.Series(dtype="datetime64[us]")}).assign(
            **{name: pd.Series(dtype=kind) for name, kind in types.items()}
        )
    return pd.concat(compared, ignore_index=True).astype(types)


def _is_of(model: dict[str, Any]) -> str:
    """SQL condition on the scored customers of a model."""
    cutoff = pd.Timestamp(model["cutoff"]).date()
    return (
        f"model_id = '{model['model_id']}' and cutoff = date '{cutoff}'"
        f" and history_months = {model['history_months']} and pred_months = {model['pred_months']}"
    )


def _scored(rows: pd.DataFrame, model: dict[str, Any], artefact: Artefact) -> pa.RecordBatch:
    """SCORES of some customers by one model."""
    champion = artefact.champion
    model_input = champion.model_input(rows)
    rivals = champion.rival_forecasts(model_input).add_prefix("predicted_")
    predicted = champion.predict_from(model_input)
    scored = pd.concat([rows[["customer_id"]], predicted, rivals], axis=1)
    columns = {name: pa.array(scored[name], from_pandas=True) for name in scored.columns}
    columns["cutoff"] = pa.array(rows["cutoff"])
    columns["model_id"] = pa.array([model["model_id"]] * len(rows))
    if model["role"] == CHAMPION:
        clusters = artefact.clusters.assign(rows)
        columns |= {name: pa.array(clusters[name]) for name in clusters.columns}
        columns["drivers"] = _lists(champion.drivers(model_input), len(rows))
    arrays = [columns.get(field.name, pa.nulls(len(rows), field.type)) for field in SCORES]
    return pa.RecordBatch.from_arrays(
        [array.cast(field.type) for array, field in zip(arrays, SCORES, strict=True)],
        schema=SCORES,
    )


def _lists(drivers: pd.DataFrame, customers: int) -> pa.ListArray:
    """The drivers of each customer as one list; they come customer by customer."""
    fields = [pa.array(drivers[field.name], field.type, from_pandas=True) for field in DRIVER]
    structs = pa.StructArray.from_arrays(fields, fields=list(DRIVER))
    each = len(drivers) // customers
    return pa.ListArray.from_arrays(pa.array(np.arange(customers + 1) * each, pa.int32()), structs)
