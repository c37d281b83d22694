"""Values as JSON can hold them."""

import json
import math
from datetime import date
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Dicts, lists, text, numbers, booleans and None; what is not finite becomes None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def as_json(value: Any, *, indent: int | None = None) -> str:
    """`value` as JSON text that every reader takes."""
    return json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)
