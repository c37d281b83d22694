"""What the doctor finds, and the home it looks at. Reads, never writes."""

import shlex
from dataclasses import dataclass, replace
from functools import cached_property

from ml.home.config import Config, load_config
from ml.home.errors import EngineError
from ml.home.layout import REPOSITORY, Home

OK, WARNING, BROKEN, SKIPPED = "ok", "warning", "broken", "not checked"


@dataclass(frozen=True)
class Finding:
    """What a check found: its level, what is wrong, what to type, and the exit code."""

    level: str
    what: str
    remedy: str = ""
    exit_code: int = 0
    check: str = ""

    def of(self, check: str) -> "Finding":
        """The same, under the name of the check that made it."""
        return replace(self, check=check)


class NotCheckedError(Exception):
    """A check cannot run because another check found its subject broken."""


@dataclass(frozen=True)
class Examined:
    """The home under examination; its config is read once."""

    home: Home

    @cached_property
    def config(self) -> Config:
        """Raises NotCheckedError when it is not valid: the check of the config says why."""
        try:
            return load_config(self.home)
        except EngineError:
            raise NotCheckedError("needs a valid config") from None

    def command(self, words: str) -> str:
        """The engine's command on this home, ready to be typed."""
        root = self.home.root
        place = "" if root == REPOSITORY else f"--home {shlex.quote(str(root))} "
        return f"python orchestrate.py {place}{words}"


def ok(what: str) -> Finding:
    return Finding(OK, what)


def warning(what: str, remedy: str) -> Finding:
    return Finding(WARNING, what, remedy)


def broken(what: str, remedy: str, exit_code: int = EngineError.exit_code) -> Finding:
    return Finding(BROKEN, what, remedy, exit_code)


def of_error(error: EngineError, remedy: str | None = None) -> Finding:
    """A failure of the engine, with its own remedy or a better one."""
    return broken(error.what, remedy or error.remedy, error.exit_code)
