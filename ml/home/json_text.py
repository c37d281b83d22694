"""Values as JSON can hold them."""

import json
from typing import Any

import numpy as np
from pydantic_core import to_jsonable_python


def plain(value: Any) -> Any:
    """Dicts, lists, text, numbers, booleans and None; what is not finite becomes None.

    Days are text in ISO 8601. A dataclass is a dict of its fields, in their order.
    """
    return to_jsonable_python(value, inf_nan_mode="null", fallback=_of_another_kind)


def _of_another_kind(value: Any) -> Any:
    """A scalar of numpy as Python's own; anything else as its text."""
    return value.item() if isinstance(value, np.generic) else str(value)


def as_json(value: Any, *, indent: int | None = None) -> str:
    """`value` as JSON text that every reader takes."""
    return json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)
