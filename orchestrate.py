"""The command line of the House-Ware CLV engine: arguments in, results out."""

import sys
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import typer

from ml.errors import CallError, EngineError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Predict customer lifetime value, see customers by tier and by behaviour, watch accuracy.",
)


class Options:
    """What stands before the command."""

    home: str | None = None
    json: bool = False
    quiet: bool = False
    debug: bool = False


@app.callback()
def main(
    home: Annotated[str | None, typer.Option(help="Folder with config/ and warehouse/.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Tracebacks of failures.")] = False,
) -> None:
    """Options of every command."""
    Options.home, Options.json, Options.quiet, Options.debug = home, as_json, quiet, debug


@app.command()
def load() -> None:
    """Take new files of source.files into the warehouse (run and train do it too)."""
    from ml import lifecycle, messages

    _work(lifecycle.load, messages.of_load)


Cutoff = Annotated[str | None, typer.Option(help="Day, YYYY-MM-DD; the day belongs to the past.")]


@app.command()
def train(
    cutoff: Cutoff = None,
    challenger: Annotated[
        bool, typer.Option("--challenger", help="Score it beside the champion, not in its place.")
    ] = False,
) -> None:
    """Fit the champion and enter it in the ledger (default cutoff: the newest day)."""
    from ml import lifecycle, messages

    day = _day(cutoff)
    _work(
        lambda home, progress: lifecycle.train(home, progress, day, challenger=challenger),
        messages.of_train,
    )


@app.command()
def promote(model_id: str) -> None:
    """Make an earlier model of the ledger the champion again."""
    from ml import lifecycle, messages

    _work(lambda home, progress: lifecycle.promote(home, progress, model_id), messages.of_promote)


@app.command()
def run(cutoff: Cutoff = None) -> None:
    """Score what is due: predictions, tiers, clusters, exports; --cutoff for one batch alone."""
    from ml import lifecycle, messages

    day = _day(cutoff)
    _work(lambda home, progress: lifecycle.run(home, progress, day), messages.of_run)


@app.command()
def compare(first: str, second: str) -> None:
    """Two models of the ledger side by side on the newest matured window."""
    from ml import comparison, messages

    _work(
        lambda home, progress: comparison.compare(home, progress, first, second),
        messages.of_compare,
    )


@app.command()
def tune(
    cutoff: Cutoff = None,
    history: Annotated[list[int] | None, typer.Option(help="history_months to try.")] = None,
    pred: Annotated[list[int] | None, typer.Option(help="pred_months; one fixes it.")] = None,
) -> None:
    """Find the best history and prediction windows and write them to the config."""
    from ml import messages, tuning

    day = _day(cutoff)
    _work(lambda home, progress: tuning.tune(home, progress, day, history, pred), messages.of_tune)


@app.command()
def backtest(
    cutoff: Annotated[list[str], typer.Option(help="Day, YYYY-MM-DD; may be given several times.")],
    history: Annotated[int | None, typer.Option(min=1, help="history_months of the trial.")] = None,
    pred: Annotated[int | None, typer.Option(min=1, help="pred_months of the trial.")] = None,
) -> None:
    """Out-of-time accuracy of the champion's recipe and of what could be used instead."""
    from ml import backtesting, messages

    days = [_required_day(text) for text in cutoff]
    _work(
        lambda home, progress: backtesting.backtest(home, progress, days, history, pred),
        messages.of_backtest,
    )


@app.command()
def status() -> None:
    """Champion, next cutoff and the day the data must reach for it, open windows."""
    from ml import lifecycle, messages

    _work(lambda home, _: lifecycle.status(home), messages.of_status)


@app.command()
def reproduce(
    model_id: str,
    restore: Annotated[
        bool, typer.Option("--restore", help="Put back a changed joblib, not only a missing one.")
    ] = False,
) -> None:
    """Train a model of the ledger again at its commit; exit 1 unless RMSE and R2 are equal."""
    from ml import messages
    from ml.reproduce import reproduce

    result = _work(
        lambda home, progress: reproduce(home, progress, model_id, restore=restore),
        messages.of_reproduce,
    )
    if not result["equal"]:
        raise typer.Exit(EngineError.exit_code)


@app.command()
def purge(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would go, remove nothing.")
    ] = False,
) -> None:
    """Remove old artefacts, cards and batch files as the config's `retention` says."""
    from datetime import UTC, datetime

    from ml import messages, retention

    today = datetime.now(UTC).date()
    _work(
        lambda home, progress: retention.purge(home, progress, today, dry_run=dry_run),
        messages.of_purge,
    )


@app.command()
def docs() -> None:
    """Write the dbt docs of the home as one static page."""
    from ml import lifecycle, messages

    _work(lifecycle.docs, messages.of_docs)


def _day(text: str | None) -> date | None:
    return None if text is None else _required_day(text)


def _required_day(text: str) -> date:
    from ml.dates import parse_day

    return parse_day(text, "--cutoff")


def _work(
    command: Callable[..., dict[str, Any]], message: Callable[[dict[str, Any]], Any]
) -> dict[str, Any]:
    from ml.home import Home
    from ml.plain import as_json
    from ml.progress import progress

    home = Home.resolve(Options.home)
    with progress(quiet=Options.quiet) as display:
        result = command(home, display)
    if Options.json:
        print(as_json(result))
    else:
        print(message(result))
    return result


def entry() -> int:
    """Run the command line; every failure is one line on stderr and an exit code."""
    try:
        # a typer.Exit is its code here, a command that ended is None
        return app(args=sys.argv[1:] or ["--help"], standalone_mode=False) or 0
    except (Exception, KeyboardInterrupt) as error:
        if Options.debug:
            raise
        print(f"error: {_one_line(error)}", file=sys.stderr)
        return error.exit_code if isinstance(error, EngineError) else _exit_code(error)


def _one_line(error: BaseException) -> str:
    if isinstance(error, EngineError):
        return " ".join(str(error).splitlines())  # a file's name may hold a line end
    if isinstance(error, (typer.Abort, KeyboardInterrupt)):
        return "stopped by the user; nothing half-done stays"
    worded = getattr(error, "format_message", None)  # a wrong call, in typer's words
    if worded is not None:
        return f"{worded()} `orchestrate.py --help` lists commands and options"
    reason = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {reason} (--debug shows where)"


def _exit_code(error: BaseException) -> int:
    is_wrong_call = hasattr(error, "format_message")
    return CallError.exit_code if is_wrong_call else EngineError.exit_code


if __name__ == "__main__":
    sys.exit(entry())
