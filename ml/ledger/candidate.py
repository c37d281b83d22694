"""The model a training build left in the warehouse, before the ledger knows it."""

import json
from dataclasses import dataclass
from typing import Any

import duckdb


@dataclass(frozen=True)
class Candidate:
    """A fitted model that is not in the ledger yet."""

    model_id: str
    card: dict[str, Any]
    artefact: bytes


def read_candidate(con: duckdb.DuckDBPyConnection) -> Candidate:
    """The model the last training build left in the warehouse."""
    row = con.execute("select model_id, card, artefact from ml.clv_champion").fetchone()
    if row is None:
        raise ValueError("ml.clv_champion holds no row; build it with `orchestrate.py train`")
    return Candidate(row[0], json.loads(row[1]), bytes(row[2]))
