"""Values as JSON can hold them."""

import json
import math
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

import numpy as np
from pydantic import BaseModel


def plain(value: Any) -> Any:
    """Dicts, lists, text, numbers, booleans and None; what is not finite becomes None.

    A dataclass or a section of the config becomes a dict of its fields, in their order.
    """
    if isinstance(value, BaseModel):
        return plain(value.model_dump())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
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
