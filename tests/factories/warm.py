"""The command line in a process whose imports are warm, and that can be killed at a chosen step.

`orchestrate.py` runs as `__main__` in a process of its own group, forked from a server that has
loaded the libraries: two thirds of a short command are imports. What it opens, renames or removes
in its home is counted by an audit hook, so that a kill can land between two given steps.
"""

import json
import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from answers import check_answer

PROGRAM = str(Path(__file__).resolve().parents[2] / "orchestrate.py")
LIBRARIES = ["dbt.cli.main", "dbt.adapters.duckdb", "duckdb", "matplotlib.pyplot", "pandas"]
LIBRARIES += ["sklearn.cluster", "scipy.optimize", "xgboost", "pyarrow", "typer", "rich.progress"]
# audit event -> positions of the paths among its arguments
STEPS = {
    "open": (0,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "shutil.copyfile": (0, 1),
    "shutil.rmtree": (0,),
}


def _forkserver() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    return context


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, stdout, stderr."""

    code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        return json.loads(self.stdout)

    @property
    def message(self) -> str:
        """The one line of an error; fails when it is more than that, or is not the JSON error."""
        assert "Traceback" not in self.stderr
        (message,) = self.stderr.splitlines()
        error = self.result["error"]
        assert set(error) == {"code", "message", "remedy"}
        assert error["code"] == self.code
        assert message == f"error: {error['message']}; {error['remedy']}"
        return message


@dataclass(frozen=True)
class Step:
    """The `occurrence`-th (0 = first) step of this kind on this path of the home."""

    event: str
    path: str
    occurrence: int = 0


@dataclass(frozen=True)
class Death:
    """kill -9 right before a step, or `after` it: before whatever is the next one."""

    step: Step
    after: bool = False


@dataclass
class Command:
    """A command at work on a home."""

    process: ForkServerProcess
    folder: Path
    arguments: Sequence[str] = ()
    started: float = field(default_factory=time.monotonic)

    @property
    def steps(self) -> list[Step]:
        """Every step so far, in order."""
        log, steps, seen = self.folder / "steps", [], Counter[tuple[str, str]]()
        for text in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
            event, path = json.loads(text)
            steps.append(Step(event, path, seen[event, path]))
            seen[event, path] += 1
        return steps

    def wait_for_step(self) -> None:
        """Until the command touched its home, or ended."""
        log = self.folder / "steps"
        while self.process.is_alive() and not (log.exists() and log.stat().st_size):
            time.sleep(0.005)

    def kill(self) -> None:
        """kill -9 on the command and everything it started."""
        assert self.process.pid is not None
        if self.process.is_alive():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()

    def finish(self, timeout: float = 300) -> Outcome:
        """Wait for its end; code -9 when it was killed, also because it took longer."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.kill()
        code = self.process.exitcode
        assert code is not None
        texts = [(self.folder / name).read_text(encoding="utf-8") for name in ("out", "err")]
        outcome = Outcome(code, *texts)
        if code >= 0:  # else it was killed before it could answer
            check_answer(self.arguments, outcome.result)
        return outcome


def start(
    home: Path, arguments: Sequence[str], environment: dict[str, str], death: Death | None = None
) -> Command:
    """`orchestrate.py --home … --json …`, killed where `death` says."""
    folder = Path(mkdtemp(prefix="command-", dir=home.parent))
    argv = [PROGRAM, "--home", str(home), "--json", *arguments]
    process = _forkserver().Process(
        target=_work, args=(argv, str(home), str(folder), environment, death)
    )
    process.start()
    return Command(process, folder, arguments)


def _work(
    argv: list[str], home: str, folder: str, environment: dict[str, str], death: Death | None
) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(home)
    for number, name in enumerate(("out", "err"), start=1):
        os.dup2(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT), number)
    sys.argv = argv
    log = os.open(f"{folder}/steps", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.addaudithook(_Steps(home, log, death))
    runpy.run_path(PROGRAM, run_name="__main__")


class _Steps:
    """Audit hook: writes every step in the home to a log, and dies at the chosen one."""

    def __init__(self, home: str, log: int, death: Death | None) -> None:
        self._home, self._log, self._death = home + os.sep, log, death
        self._left = death.step.occurrence if death else 0
        self._is_next = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        paths = [os.fspath(arguments[n]) for n in STEPS.get(event, ()) if _is_path(arguments[n])]
        inside = [path for path in paths if path.startswith(self._home)]
        if not inside:
            return
        path = inside[-1].removeprefix(self._home)
        if self._is_next or self._dies_before(event, path):
            os.killpg(0, signal.SIGKILL)
        os.write(self._log, json.dumps([event, path]).encode() + b"\n")

    def _dies_before(self, event: str, path: str) -> bool:
        if self._death is None or (event, path) != (self._death.step.event, self._death.step.path):
            return False
        self._left -= 1
        self._is_next = self._left < 0 and self._death.after
        return self._left < 0 and not self._death.after


def _is_path(argument: object) -> bool:
    return isinstance(argument, str | Path)
