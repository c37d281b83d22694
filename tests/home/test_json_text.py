"""Values as JSON: cards and manifests are hashed as text, so no byte of it may move."""

import json
import math
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.home.json_text import as_json, plain


@dataclass(frozen=True)
class Window:
    start: date
    rmse: float


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (
            {"r2": -math.inf, "d2": [np.float64("nan"), np.float32("inf")]},
            {"r2": None, "d2": [None] * 2},
        ),
        ([np.float64(0.1), np.int64(3), np.bool_(True)], [0.1, 3, True]),
        ((1, "a", None), [1, "a", None]),
        ({3: "three", date(2011, 2, 28): 1}, {"3": "three", "2011-02-28": 1}),
        (datetime(2011, 2, 28, 10, 30), "2011-02-28T10:30:00"),
        (Decimal("1.50"), "1.50"),
        (Path("/a/b"), "/a/b"),
        (np.arange(2), "[0 1]"),
        (Window(date(2012, 1, 1), math.nan), {"start": "2012-01-01", "rmse": None}),
    ],
    ids=str,
)
def test_a_value_becomes_what_json_can_hold(value: Any, expected: Any):
    assert plain(value) == expected
    assert json.loads(as_json(value)) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_to_its_last_digit(number: float):
    assert as_json({"rmse": np.float64(number)}) == f'{{"rmse": {number!r}}}'


def test_text_keeps_its_letters_and_the_order_of_fields_is_kept():
    assert as_json({"b": "Zoë", "a": 1}, indent=1) == '{\n "b": "Zoë",\n "a": 1\n}'
