"""YAML that is checked against a model: its sections, and the words for what is wrong in it."""

import difflib
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml.nodes import MappingNode

from ml.home.config_lines import locate
from ml.home.errors import CallError


class WrongValueError(ValueError):
    """A value of the config that is not valid: what is wrong, and what to write instead."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy = what, remedy


class Section(BaseModel):
    """A section of the config: unknown keys are refused, no value is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def words_of(problem: ErrorDetails) -> tuple[str, str]:
    """What is wrong with a value, and what to do, in the words of a validator or of pydantic."""
    error = problem.get("ctx", {}).get("error")
    if isinstance(error, WrongValueError):
        return error.what, error.remedy
    return problem["msg"], "correct the value"


def described(
    error: ValidationError, root: MappingNode, name: str, model: type[Section]
) -> CallError:
    """`file:line: key: what is wrong`, for the first problem; a misspelt key explains others."""
    problem = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    path = [str(step) for step in problem["loc"]]
    line, depth = locate(root, path)
    key = ".".join(step for step in path[:depth] if not step.startswith(("function-", "list[")))
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], _keys_at(model, path[:-1]), 1, cutoff=0.4)
        hint = (
            f"did you mean {near[0]}?"
            if near
            else f"known are {', '.join(_keys_at(model, path[:-1]))}"
        )
        return CallError(f"{name}:{line}: {'.'.join(path)}: unknown key", hint)
    if problem["type"] == "missing":
        return CallError(f"{name}:{line}: {'.'.join(path)} is missing", "add this key")
    what, remedy = words_of(problem)
    return CallError(f"{name}:{line}: {key or '.'.join(path)}: {what}", remedy)


def _keys_at(model: type[Section], path: list[str]) -> list[str]:
    """The keys that the model knows at `path`."""
    section: Any = model
    for key in path:
        annotation = section.model_fields[key].annotation
        section = next((one for one in get_args(annotation) if one is not NoneType), annotation)
    return [field.alias or name for name, field in section.model_fields.items()]
