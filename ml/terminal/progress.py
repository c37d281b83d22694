"""Progress of a command: one line on a terminal, nothing in a pipe."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

PATIENCE_SECONDS = 2.0


class Progress:
    """Says on stderr what is being done, once the command has taken two seconds."""

    def __init__(self, *, quiet: bool) -> None:
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bars.add_task("starting")
        self._timer: threading.Timer | None = None
        if not quiet and sys.stderr.isatty():
            self._timer = threading.Timer(PATIENCE_SECONDS, self._bars.start)
            self._timer.daemon = True
            self._timer.start()

    def __call__(self, message: str) -> None:
        self._bars.update(self._task, description=message)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
            self._bars.stop()


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """A progress display that disappears when the command ends."""
    display = Progress(quiet=quiet)
    try:
        yield display
    finally:
        display.stop()
