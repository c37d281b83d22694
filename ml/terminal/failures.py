"""A failure as people and as programs read it: one line on stderr, one JSON object on stdout."""

import errno
import os
import sys
from dataclasses import dataclass

import typer

from ml.home.errors import CallError, EngineError
from ml.home.json_text import as_json
from ml.terminal.look import show_json

DISK_FULL = os.strerror(errno.ENOSPC)
MOST_SIGNS = 300  # of a reason in the words of a library


@dataclass(frozen=True)
class Failure:
    """Why a command failed: its exit code, what is wrong and where, and what to do about it."""

    code: int
    message: str
    remedy: str


@dataclass(frozen=True)
class FailedCommand:
    """What a command that failed prints under `--json`."""

    error: Failure


def failure_of(error: BaseException) -> Failure:
    """The failure that an exception of any kind means to the user."""
    code, reason = EngineError.exit_code, " ".join(str(error).split())[:MOST_SIGNS]
    if DISK_FULL in str(error):
        what = f"the disk is full, what was published is still there ({reason})"
        return Failure(code, what, "free some space and run the command again")
    if isinstance(error, EngineError):
        return Failure(error.exit_code, _one_line(error.what), _one_line(error.remedy))
    if isinstance(error, (typer.Abort, KeyboardInterrupt)):
        return Failure(code, "you stopped the command", "run it again: nothing is left half done")
    worded = getattr(error, "format_message", None)  # a wrong call, in typer's words
    if worded is not None:
        remedy = "`python orchestrate.py --help` lists commands and options"
        return Failure(CallError.exit_code, _one_line(worded()).rstrip("."), remedy)
    return Failure(
        code, f"{type(error).__name__}: {reason}", "`--debug` before the command shows where"
    )


def show_failure(error: BaseException, *, in_json: bool) -> int:
    """Say what failed and return the exit code."""
    failure = failure_of(error)
    print(f"error: {failure.message}; {failure.remedy}", file=sys.stderr)
    if in_json and not isinstance(error, BrokenPipeError):  # else nobody reads stdout any more
        show_json(as_json(FailedCommand(failure)))
    return failure.code


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())  # the name of a file may hold a line end
