"""Holds what a command prints under `--json` against the schemas of docs/schemas."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
COMMANDS = {path.stem for path in SCHEMAS.glob("*.json")}


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of a command's answer, or of "error"."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def check_answer(arguments: Sequence[str], answer: dict[str, Any]) -> None:
    """Fails when the one JSON object on stdout has not exactly the keys and types of its schema."""
    if "error" in answer:
        validator("error").validate(answer)
        return
    (command, *_) = [word for word in arguments if word in COMMANDS]
    validator(command).validate(answer)
