"""Artefacts: what is packed comes out again to the last bit, names no class and is repeatable."""

import io
import math
import pickle
import pickletools
import zlib
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import duckdb
import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop import Training, simulated_days, training

from ml.home.errors import EngineError
from ml.ledger.artefacts import FORMAT, packed, unpacked
from ml.ledger.earlier_artefacts import EARLIER
from ml.ledger.typed_json import Encoded, decode, encode
from ml.model.champion.artefact import Artefact
from ml.model.champion.champion import fit_champion
from ml.model.forecast.clusters import fit_behaviour_clusters
from ml.model.measures.population import describe_population


@pytest.fixture(scope="module")
def shop() -> Training:
    """A shop whose champion serves trees."""
    return training(simulated_days(), cutoff="2020-10-14", history_months=6, pred_months=2)


@pytest.fixture(scope="module")
def artefact(shop: Training) -> Artefact:
    return trained(shop)


def trained(shop: Training) -> Artefact:
    champion = fit_champion(shop.examples, shop.monthly_revenue, **shop.arguments)
    money = champion.predict(shop.now)["predicted_clv"].to_numpy()
    clusters = fit_behaviour_clusters(shop.now, least=4, most=5, seed=7, new_days=90)
    return Artefact(champion, clusters, describe_population(shop.now, money))


def everything(artefact: Artefact, customers: pd.DataFrame) -> list[pd.DataFrame]:
    """All that scoring asks of an artefact."""
    champion = artefact.champion
    model_input = champion.model_input(customers)
    predicted = champion.predict(customers)
    with duckdb.connect() as con:
        batch = con.from_df(customers.assign(predicted_clv=predicted["predicted_clv"]))
        assert artefact.population is not None
        compared = artefact.population.compare(batch)
    return [
        predicted,
        champion.rival_forecasts(model_input),
        champion.drivers(model_input),
        artefact.clusters.assign(customers),
        compared,
    ]


def test_an_unpacked_champion_scores_like_the_packed_one_to_the_last_bit(
    shop: Training, artefact: Artefact
):
    assert artefact.champion.gate.serves == "trees"
    before = everything(artefact, shop.now)
    after = everything(unpacked(packed(artefact)), shop.now)
    for left, right in zip(before, after, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_the_same_training_packs_to_the_same_bytes(shop: Training, artefact: Artefact):
    again = trained(shop)
    assert packed(again) == packed(artefact)
    assert packed(unpacked(packed(artefact))) == packed(artefact)


def test_the_card_part_survives_with_what_is_undefined(artefact: Artefact):
    before, after = artefact.champion.card_entries, unpacked(packed(artefact)).champion.card_entries
    assert math.isnan(before["decisions"]["season"]["growth"])
    assert repr(after) == repr(before)


def test_a_packed_artefact_names_no_class_and_is_opened_by_joblib(artefact: Artefact):
    content = packed(artefact)
    commands = {command.name for command, _, _ in pickletools.genops(zlib.decompress(content))}
    assert not commands & {"GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "INST", "OBJ", "NEWOBJ"}
    held = joblib.load(io.BytesIO(content))
    assert held.keys() == {"format", "content", "boosters"}
    assert held["boosters"].keys() == {
        f"champion.recipe.trees.{name}" for name in ("spend", "purchase", "value")
    }
    assert {type(one) for one in held["boosters"].values()} == {bytes}


def test_an_artefact_of_a_later_version_is_refused_with_what_to_do():
    file = io.BytesIO()
    joblib.dump({"format": FORMAT + 1, "content": "", "boosters": {}}, file, compress=3)
    with pytest.raises(EngineError, match="use the version that trained the model"):
        unpacked(file.getvalue())


def test_a_name_that_no_version_packed_is_not_looked_up(tmp_path: Path):
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "mark",))

    file = io.BytesIO()
    joblib.dump(Trap(), file, compress=3)
    with pytest.raises(pickle.UnpicklingError, match="no version of the engine packed"):
        unpacked(file.getvalue())
    assert list(tmp_path.iterdir()) == []


def classes_of(kind: Any, found: dict[str, type]) -> dict[str, type]:
    """All dataclasses that an instance of `kind` may hold, by their path."""
    for part in get_args(kind):
        classes_of(part, found)
    if is_dataclass(kind) and isinstance(kind, type):
        found[f"{kind.__module__}.{kind.__qualname__}"] = kind
        for hint in get_type_hints(kind).values():
            classes_of(hint, found)
    return found


def test_every_class_of_earlier_artefacts_has_a_class_today_with_its_fields():
    held = classes_of(Artefact, {})
    for today, renamed in EARLIER.values():
        module, name = today.rsplit(".", 1)
        kind = getattr(import_module(module), name)
        assert set(renamed.values()) <= {field.name for field in fields(kind)}, today
        assert today in held


# Dataclasses as text


@dataclass(frozen=True)
class Part:
    name: str
    share: float = 0.5


@dataclass(frozen=True)
class Whole:
    number: float
    count: int
    is_on: bool
    numbers: tuple[float, ...]
    pair: tuple[str, int]
    by_count: dict[int, dict[str, float]]
    part: Part | None
    day: pd.Timestamp | None
    array: np.ndarray
    free: dict[str, Any]


def whole(**changes: Any) -> Whole:
    values: dict[str, Any] = {
        "number": 0.1 + 0.2,
        "count": 3,
        "is_on": True,
        "numbers": (math.inf, -0.0, math.nan, 5e-324, 1.0),
        "pair": ("ü", 4),
        "by_count": {4: {"ari": 0.5}},
        "part": Part("one"),
        "day": pd.Timestamp("1997-01-01").as_unit("s"),
        "array": np.asfortranarray([[1.5, math.inf], [math.nan, -1e-300]]),
        "free": {"list": [1, 1.0, None, True, math.nan, {"deep": -math.inf}]},
    }
    return Whole(**values | changes)


def test_every_kind_of_field_comes_back_as_it_was():
    before = whole()
    after = decode(Whole, encode(before))
    assert repr(after) == repr(before)
    assert after.array.tobytes("A") == before.array.tobytes("A")
    assert after.array.flags.f_contiguous and not after.array.flags.c_contiguous
    assert before.day is not None and after.day is not None
    assert after.day == before.day and after.day.unit == before.day.unit


def test_what_is_none_stays_none_and_numbers_of_numpy_become_numbers():
    after = decode(
        Whole, encode(whole(part=None, day=None, number=np.float64(0.3), count=np.int64(2)))
    )
    assert (after.part, after.day, after.number, after.count) == (None, None, 0.3, 2)
    assert type(after.count) is int


@given(st.lists(st.floats()), st.floats())
def test_floats_keep_every_bit(numbers: list[float], free: float):
    after = decode(Whole, encode(whole(numbers=tuple(numbers), free={"value": free})))
    assert list(map(repr, after.numbers)) == list(map(repr, numbers))
    assert repr(after.free["value"]) == repr(free)


def test_a_field_that_is_missing_takes_its_default():
    assert decode(Part, Encoded('{"name":"one"}', {})) == Part("one", 0.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"share":1.0}', "name missing or not a field of Part"),
        ('{"name":"one","weight":1.0}', "weight missing or not a field of Part"),
        ('{"name":"one","share":"much"}', "share is 'much'"),
        ('{"name":7}', "name is 7"),
        ("[]", "should be of type"),
    ],
)
def test_a_text_that_does_not_fit_names_the_field(text: str, words: str):
    with pytest.raises(ValueError, match=words):
        decode(Part, Encoded(text, {}))


def test_a_value_that_is_no_number_is_refused_with_its_place():
    with pytest.raises(ValueError, match=r"free\.inside is a set"):
        encode(whole(free={"inside": {1}}))
