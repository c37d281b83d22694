"""Artefacts: what a training freezes, as the bytes of a .joblib file and back.

The file is joblib's dump of one dict: `format` (a number), `content` (JSON, see typed_json.py) and
`boosters` (UBJ by name). It names no class, so code can move. The same training gives the same
bytes. Files of commit 207ed74 and before held pickled classes: earlier_artefacts.py opens those.

A training build leaves its artefact in the warehouse first: the candidate, which the ledger does
not know yet.

XGBoost, scikit-learn and joblib are imported where they are used: commands that open no artefact
start without them.
"""

import io
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from ml.home.errors import EngineError

if TYPE_CHECKING:
    from ml.model.champion.artefact import Artefact

FORMAT = 2


def packed(artefact: "Artefact") -> bytes:
    """The bytes of the artefact's file; equal artefacts give equal bytes."""
    import joblib

    from ml.ledger.typed_json import encode

    encoded = encode(artefact)
    file = io.BytesIO()
    content = {"format": FORMAT, "content": encoded.text, "boosters": encoded.boosters}
    joblib.dump(content, file, compress=3)
    return file.getvalue()


def unpacked(content: bytes) -> "Artefact":
    """The artefact in the bytes of its file, whose sha256 must be known to be the ledger's.

    Errors: EngineError for a file that a later version packed.
    """
    from ml.ledger.earlier_artefacts import Record, opened, with_names_of_today
    from ml.ledger.typed_json import Encoded, decode, encode
    from ml.model.champion.artefact import Artefact

    held = opened(zlib.decompress(content))
    if isinstance(held, Record):
        return decode(Artefact, encode(with_names_of_today(held)))
    if held["format"] != FORMAT:
        raise EngineError(
            f"the artefact has format {held['format']}, this version reads up to {FORMAT}",
            "use the version that trained the model, or a later one",
        )
    return decode(Artefact, Encoded(held["content"], held["boosters"]))


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
