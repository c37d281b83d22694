"""Artefacts as they were packed by earlier versions: their classes have moved since."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import joblib

# module of the class at commit 207ed74 -> its module today
MOVED = {
    "ml.training": "ml.model.champion.artefact",
    "ml.champion": "ml.model.champion.champion",
    "ml.baselines": "ml.model.champion.rivals",
    "ml.gate": "ml.model.champion.gate",
    "ml.recipe": "ml.model.forecast.recipe",
    "ml.prior": "ml.model.forecast.blend",
    "ml.btyd": "ml.model.forecast.purchase_models",
    "ml.season": "ml.model.forecast.season",
    "ml.trees": "ml.model.forecast.trees",
    "ml.intervals": "ml.model.forecast.intervals",
    "ml.clusters": "ml.model.forecast.clusters",
    "ml.stability": "ml.model.measures.population",
}


def unpacked(content: bytes) -> Any:
    """The artefact in `content`, which must be known to be ours."""
    with _earlier_names():
        return joblib.load(io.BytesIO(content))


@contextmanager
def _earlier_names() -> Iterator[None]:
    """The names that earlier artefacts give to classes lead to today's modules for a while."""
    sys.modules.update({then: import_module(now) for then, now in MOVED.items()})
    try:
        yield
    finally:
        for then in MOVED:
            sys.modules.pop(then, None)
