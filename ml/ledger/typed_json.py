"""Frozen dataclasses of numbers as JSON, and back by the types of their fields, to the last bit.

The text holds field names and numbers, never the name of a class or of a module: code can move
without a stored model noticing. What JSON cannot say is said by a dict with one telling key:

    nan                      {"not_finite": "nan"}
    an array                 {"dtype": "float64", "shape": [5, 7], "order": "C", "values": [...]}
    a moment                 {"moment": "1997-01-01T00:00:00", "unit": "s"}
    a booster of XGBoost     {"booster": "champion.recipe.trees.spend"}, its UBJ beside the text

Python writes a float with as many digits as tell it from every other float, so it comes back the
same. Whoever renames a field has to go on reading its old name: see earlier_artefacts.py.
"""

import json
import math
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd
import xgboost as xgb

from ml.model.forecast.trees import THREADS

T = TypeVar("T")


@dataclass(frozen=True)
class Encoded:
    """JSON text, and the boosters it names as UBJ by that name."""

    text: str
    boosters: dict[str, bytes]


def encode(value: Any) -> Encoded:
    """A dataclass, or a dict of what a dataclass may hold, as text and boosters.

    Equal values give equal text. Errors: ValueError naming the field whose value has no place in
    an artefact.
    """
    boosters: dict[str, bytes] = {}
    plain = _plain(value, "", boosters)
    return Encoded(json.dumps(plain, ensure_ascii=False, separators=(",", ":")), boosters)


def decode(kind: type[T], encoded: Encoded) -> T:
    """The dataclass of type `kind` that was encoded; fields that are missing take their default.

    Errors: ValueError naming the field that is missing, unknown or of another type.
    """
    return cast(T, _typed(kind, json.loads(encoded.text), "", encoded.boosters))


def _plain(value: Any, place: str, boosters: dict[str, bytes]) -> Any:
    """The value as JSON can hold it; boosters are put aside by their place."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | str | NoneType):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"not_finite": repr(float(value))}
    if isinstance(value, tuple | list):
        return [_plain(one, f"{place}[{n}]", boosters) for n, one in enumerate(value)]
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, dict):
        return {
            str(name): _plain(one, f"{place}.{name}".lstrip("."), boosters)
            for name, one in value.items()
        }
    return _of_a_library(value, place, boosters)


def _of_a_library(value: Any, place: str, boosters: dict[str, bytes]) -> dict[str, Any]:
    """Arrays, moments and boosters."""
    if isinstance(value, np.ndarray):
        # the layout decides in which order a matrix product adds up
        order = "C" if value.flags.c_contiguous else "F"
        return {
            "dtype": str(value.dtype),
            "shape": list(value.shape),
            "order": order,
            "values": [_plain(one, place, boosters) for one in value.ravel(order).tolist()],
        }
    if isinstance(value, pd.Timestamp):
        return {"moment": value.isoformat(), "unit": value.unit}
    if isinstance(value, xgb.Booster):
        boosters[place] = bytes(value.save_raw("ubj"))
        return {"booster": place}
    raise ValueError(f"{place} is a {type(value).__name__}: an artefact holds plain numbers")


def _typed(kind: Any, plain: Any, place: str, boosters: dict[str, bytes]) -> Any:
    """The value of type `kind` that `plain` stands for."""
    if is_dataclass(kind):
        return _dataclass(cast(type, kind), plain, place, boosters)
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin in (UnionType, Union):
        (other,) = (one for one in arguments if one is not NoneType)
        return None if plain is None else _typed(other, plain, place, boosters)
    if origin is tuple:
        _require(isinstance(plain, list), kind, plain, place)
        types = arguments[:1] * len(plain) if arguments[1:] == (...,) else arguments
        pairs = enumerate(zip(types, plain, strict=True))
        return tuple(_typed(one, item, f"{place}[{n}]", boosters) for n, (one, item) in pairs)
    if origin is dict:
        _require(isinstance(plain, dict), kind, plain, place)
        key, item = arguments
        return {
            key(name): _typed(item, one, f"{place}.{name}", boosters) for name, one in plain.items()
        }
    if origin is Literal:
        _require(plain in arguments, kind, plain, place)
        return plain
    if kind is Any:
        return _untyped(plain)
    return _single(origin, plain, place, boosters)


def _dataclass(kind: type, plain: Any, place: str, boosters: dict[str, bytes]) -> Any:
    """An instance of the dataclass `kind` from the values of its fields by name."""
    _require(isinstance(plain, dict), kind, plain, place)
    types = _types_of(kind)
    needed = {
        field.name
        for field in fields(kind)
        if field.default is MISSING and field.default_factory is MISSING
    }
    wrong = sorted((needed - plain.keys()) | (plain.keys() - types.keys()))
    if wrong:
        raise ValueError(
            f"{place or 'the artefact'}: {', '.join(wrong)} missing or not a field of "
            f"{kind.__name__}: the version that packed it had other fields"
        )
    return kind(
        **{
            name: _typed(types[name], one, f"{place}.{name}".lstrip("."), boosters)
            for name, one in plain.items()
        }
    )


@cache
def _types_of(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields by name."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _single(kind: Any, plain: Any, place: str, boosters: dict[str, bytes]) -> Any:
    """A number, a text, an array, a moment or a booster."""
    if kind is float:
        number = _untyped(plain)
        _require(isinstance(number, float | int), kind, plain, place)
        return float(number)
    if kind in (int, str, bool):
        _require(type(plain) is kind, kind, plain, place)
        return plain
    _require(isinstance(plain, dict), kind, plain, place)
    if kind is np.ndarray:
        values = np.array([_untyped(one) for one in plain["values"]], plain["dtype"])
        return values.reshape(plain["shape"], order=plain["order"])
    if kind is pd.Timestamp:
        return pd.Timestamp(plain["moment"]).as_unit(plain["unit"])
    _require(kind is xgb.Booster, kind, plain, place)
    booster = xgb.Booster({"nthread": THREADS, "verbosity": 0})
    booster.load_model(bytearray(boosters[plain["booster"]]))
    return booster


def _untyped(plain: Any) -> Any:
    """What stands in a field without a type: JSON, with the numbers that JSON does not know."""
    if isinstance(plain, list):
        return [_untyped(one) for one in plain]
    if isinstance(plain, dict):
        if plain.keys() == {"not_finite"}:
            return float(plain["not_finite"])
        return {name: _untyped(one) for name, one in plain.items()}
    return plain


def _require(is_right: bool, kind: Any, plain: Any, place: str) -> None:
    """Raise ValueError naming the field unless the value is of the type it should be."""
    if not is_right:
        raise ValueError(f"{place} is {plain!r:.80}: it should be of type {kind}")
