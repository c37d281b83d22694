"""The failures a user can meet, each with the exit code of the command line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class EngineError(Exception):
    """What is wrong and where, and what to do about it. As text: both, with a semicolon between.

    Neither ends with a full stop, because they become one line.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what, self.remedy = what, remedy

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


class CallError(EngineError):
    """The call or the config is wrong."""

    exit_code = 2


class LockHeldError(EngineError):
    """Another run works in this home."""

    exit_code = 3


class DataNotReadyError(EngineError):
    """The data does not allow it yet."""

    exit_code = 4


# dbt keeps of an exception in a Python model its text alone; the error itself is kept here
_KEPT: list[EngineError] = []


def kept_for_the_caller(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorator for what dbt's Python models call: an EngineError is kept for the caller of dbt."""

    @wraps(function)
    def call(*values: Arguments.args, **keywords: Arguments.kwargs) -> Result:
        try:
            return function(*values, **keywords)
        except EngineError as error:
            _KEPT.append(error)
            raise

    return call


@contextmanager
def errors_of_entry_points() -> Iterator[list[EngineError]]:
    """The errors that dbt's Python models raise during the block, in their order.

    Works for one build at a time; dbt does not allow a second one in the process either.
    """
    _KEPT.clear()
    raised: list[EngineError] = []
    try:
        yield raised
    finally:
        raised += _KEPT
        _KEPT.clear()
