"""The command line of the House-Ware CLV engine: arguments in, results out."""

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ml.home.errors import EngineError
from ml.terminal.look import open_streams

Answer = TypeVar("Answer")

app = typer.Typer(
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    help="Predicts what each customer will spend, groups customers, and checks the predictions.",
)


@dataclass(frozen=True)
class Options:
    """What is before the command; every command finds it in its context."""

    home: str | None
    json: bool
    quiet: bool


@app.callback()
def main(
    ctx: typer.Context,
    home: Annotated[
        str | None, typer.Option(help="The folder that holds config/ and warehouse/.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress on stderr.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a failure.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print name, version and commit.")
    ] = False,
) -> None:
    """Options of every command."""
    ctx.obj = Options(home, as_json, quiet)  # `debug` is read in entry(), which a failure reaches
    if version:
        from ml.ledger.provenance import engine_version
        from ml.terminal import messages

        _show(ctx.obj, engine_version(), messages.of_version)
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        ctx.fail("Missing command.")


Folder = Annotated[
    Path | None,
    typer.Option("--to", metavar="FOLDER", help="Write it there; the home is only read."),
]


def _column(words: str) -> Any:
    return typer.Option(metavar="COLUMN", help=words)


@app.command()
def init(
    ctx: typer.Context,
    files: Annotated[
        list[str] | None, typer.Argument(help="Your files: parquet, csv, xlsx, …; globs, a folder.")
    ] = None,
    customer_id: Annotated[str | None, _column("The customer who bought.")] = None,
    ordered_at: Annotated[str | None, _column("The date, with or without time.")] = None,
    time_of_day: Annotated[str | None, _column("The time, if it is not with the date.")] = None,
    order_id: Annotated[str | None, _column("The order of the line.")] = None,
    product_id: Annotated[str | None, _column("The product.")] = None,
    quantity: Annotated[str | None, _column("The number of pieces.")] = None,
    unit_price: Annotated[str | None, _column("The price of one piece.")] = None,
    amount: Annotated[str | None, _column("The money of the line, instead of a price.")] = None,
    timestamp_format: Annotated[
        str | None, typer.Option(help="How dates are written if not in ISO: '%d/%m/%Y %H:%M'.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the CSV files, such as cp1252.")
    ] = None,
    decimal_separator: Annotated[
        str | None, typer.Option(help="Write , if your numbers look like 1.234,50.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Time zone of your days, such as Europe/London.")
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of the money, such as EUR.")
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="Read the files as this shop system's: shopify, sap, …")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing, use the guesses.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the source section of a config that exists.")
    ] = False,
) -> None:
    """Guess the columns of your files, show a preview and write the config of a home."""
    from ml.delivery.init import init
    from ml.delivery.proposal import InitOptions
    from ml.home.layout import Home
    from ml.terminal import init as init_page

    named = {"customer_id": customer_id, "ordered_at": ordered_at, "order_id": order_id}
    named |= {"time_of_day": time_of_day}
    named |= {"product_id": product_id, "quantity": quantity, "unit_price": unit_price}
    given = {ours: yours for ours, yours in (named | {"amount": amount}).items() if yours}
    formats = (timestamp_format, encoding, decimal_separator)
    options = InitOptions(files or [], given, *formats, timezone, currency, layout)
    dialogue = init_page.Terminal() if sys.stdin.isatty() and not yes else None
    _work(
        replace(ctx.obj, quiet=ctx.obj.quiet or dialogue is not None),
        lambda home, progress: init(home, progress, options, dialogue, force=force),
        init_page.of_written if dialogue else init_page.of_init,
        Home.named,
    )


@app.command()
def load(ctx: typer.Context) -> None:
    """Load new, replaced and removed files of source.files (run, train and tune do it too)."""
    from ml.life import commands
    from ml.terminal import messages

    _work(ctx.obj, commands.load, _with_currency(ctx.obj, messages.of_load))


Cutoff = Annotated[str | None, typer.Option(help="A date YYYY-MM-DD, the last day of the past.")]


@app.command()
def train(
    ctx: typer.Context,
    cutoff: Cutoff = None,
    challenger: Annotated[
        bool, typer.Option("--challenger", help="Score it beside the champion, which stays.")
    ] = False,
) -> None:
    """Train a champion and enter it in the ledger (default cutoff: the newest day)."""
    from ml.life import commands
    from ml.terminal import messages

    day = _day(cutoff)
    _work(
        ctx.obj,
        lambda home, progress: commands.train(home, progress, day, challenger=challenger),
        _with_currency(ctx.obj, messages.of_train),
    )


@app.command()
def promote(ctx: typer.Context, model_id: str) -> None:
    """Make an earlier model of the ledger the champion again."""
    from ml.life import commands
    from ml.terminal import messages

    _work(
        ctx.obj,
        lambda home, progress: commands.promote(home, progress, model_id),
        _with_currency(ctx.obj, messages.of_promote),
    )


@app.command()
def run(ctx: typer.Context, cutoff: Cutoff = None) -> None:
    """Score what is due: predictions, tiers, clusters, files; with --cutoff only that batch."""
    from ml.life import commands
    from ml.terminal import messages

    day = _day(cutoff)
    _work(
        ctx.obj,
        lambda home, progress: commands.run(home, progress, day),
        _with_currency(ctx.obj, messages.of_run),
    )


@app.command()
def compare(ctx: typer.Context, first: str, second: str) -> None:
    """Compare two models of the ledger on the newest window whose outcome is known."""
    from ml.terminal import messages
    from ml.trials import compare

    _work(
        ctx.obj,
        lambda home, progress: compare.compare(home, progress, first, second),
        _with_currency(ctx.obj, messages.of_compare),
    )


@app.command()
def tune(
    ctx: typer.Context,
    cutoff: Cutoff = None,
    history: Annotated[
        list[int] | None, typer.Option(help="history_months to try; give it several times.")
    ] = None,
    pred: Annotated[
        list[int] | None, typer.Option(help="pred_months to try; one value fixes it.")
    ] = None,
) -> None:
    """Find the best history and prediction windows; write them if they beat simple forecasts."""
    from ml.terminal import messages
    from ml.trials import tune

    day = _day(cutoff)
    _work(
        ctx.obj,
        lambda home, progress: tune.tune(home, progress, day, history, pred),
        _with_currency(ctx.obj, messages.of_tune),
    )


@app.command()
def backtest(
    ctx: typer.Context,
    cutoff: Annotated[list[str], typer.Option(help="A date YYYY-MM-DD; give it several times.")],
    history: Annotated[int | None, typer.Option(min=1, help="history_months of the trial.")] = None,
    pred: Annotated[int | None, typer.Option(min=1, help="pred_months of the trial.")] = None,
) -> None:
    """Measure how good the champion's recipe and simpler forecasts were at past cutoffs."""
    from ml.terminal import messages
    from ml.trials import backtest

    days = [_required_day(text) for text in cutoff]
    _work(
        ctx.obj,
        lambda home, progress: backtest.backtest(home, progress, days, history, pred),
        _with_currency(ctx.obj, messages.of_backtest),
    )


@app.command()
def status(ctx: typer.Context) -> None:
    """Show champion, ledger check, next cutoff and the day it needs, open windows, warnings."""
    from ml.life import commands
    from ml.terminal import status

    _work(ctx.obj, lambda home, _: commands.status(home), _with_currency(ctx.obj, status.of_status))


@app.command(context_settings={"ignore_unknown_options": True})  # an id may begin with a dash
def explain(ctx: typer.Context, customer_id: str, cutoff: Cutoff = None) -> None:
    """Show one customer: past, prediction and its reasons, tier and kind over time, outcome."""
    from ml.report.customer_facts import explain
    from ml.terminal import customer

    day = _day(cutoff)
    _work(ctx.obj, lambda home, _: explain(home, customer_id, day), customer.of_customer)


@app.command()
def reproduce(
    ctx: typer.Context,
    model_id: str,
    restore: Annotated[
        bool, typer.Option("--restore", help="Also replace a joblib that was changed.")
    ] = False,
) -> None:
    """Train a model of the ledger again at its commit; exit code 1 unless RMSE and R2 are equal."""
    from ml.ledger.reproduce import reproduce
    from ml.terminal import messages

    answer = _work(
        ctx.obj,
        lambda home, progress: reproduce(home, progress, model_id, restore=restore),
        _with_currency(ctx.obj, messages.of_reproduce),
    )
    if not answer.equal:
        raise typer.Exit(EngineError.exit_code)


@app.command()
def purge(
    ctx: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the files, remove nothing.")
    ] = False,
    beyond_data: Annotated[
        bool,
        typer.Option(
            "--beyond-data", help="Take back batches of days that the data does not have any more."
        ),
    ] = False,
) -> None:
    """Remove old artefacts, cards and batch files, as `retention` in the config says."""
    from datetime import UTC, datetime

    from ml.ledger.retention import purge
    from ml.life.take_back import take_back
    from ml.terminal import messages

    today, command = datetime.now(UTC).date(), take_back if beyond_data else purge
    _work(
        ctx.obj,
        lambda home, progress: command(home, progress, today, dry_run=dry_run),
        messages.of_purge,
    )


# an id may begin with a dash: nothing in the call is taken for a misspelt option and repeated
@app.command(context_settings={"ignore_unknown_options": True})
def forget(
    ctx: typer.Context,
    customer_id: Annotated[
        list[str], typer.Argument(help="As in the files; - reads ids from stdin.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count the rows, change nothing.")
    ] = False,
) -> None:
    """Remove customers from files, warehouse and outputs for good; no load brings them back."""
    from ml.forgetting.forget import forget
    from ml.terminal import messages

    given = sys.stdin.read().split("\n") if customer_id == ["-"] else customer_id
    ids = [one for text in given if (one := text.removesuffix("\r"))]
    _work(
        ctx.obj,
        lambda home, progress: forget(home, progress, ids, dry_run=dry_run),
        messages.of_forget,
    )


@app.command()
def doctor(ctx: typer.Context) -> None:
    """Check everything in the home, say what is wrong and what to type; change nothing."""
    from ml.health.doctor import doctor
    from ml.terminal import messages

    answer = _work(ctx.obj, doctor, messages.of_doctor)
    if answer.exit_code:
        raise typer.Exit(answer.exit_code)


@app.command()
def report(ctx: typer.Context, to: Folder = None) -> None:
    """Write the report of the home, an HTML page for people; every `run` does it too."""
    from ml.report.report import report
    from ml.terminal import messages

    _work(ctx.obj, lambda home, progress: report(home, progress, to), messages.of_report)


@app.command()
def docs(ctx: typer.Context, to: Folder = None) -> None:
    """Write the dbt docs of the home as one static page."""
    from ml.life import commands
    from ml.terminal import messages

    _work(ctx.obj, lambda home, progress: commands.docs(home, progress, to), messages.of_docs)


def _day(text: str | None) -> date | None:
    return None if text is None else _required_day(text)


def _required_day(text: str) -> date:
    from ml.home.dates import parse_day

    return parse_day(text, "--cutoff")


def _work(
    options: Options,
    command: Callable[..., Answer],
    message: Callable[[Answer], Any],
    home_at: Callable[[str | None], Any] | None = None,
) -> Answer:
    from ml.home.layout import Home
    from ml.terminal.progress import progress

    home = (home_at or Home.resolve)(options.home)
    with progress(quiet=options.quiet) as display:
        answer = command(home, display)
    _show(options, answer, message)
    return answer


def _with_currency(
    options: Options, message: Callable[[Answer, str], Any]
) -> Callable[[Answer], Any]:
    """A message that writes money, told the currency of the home."""

    def told(answer: Answer) -> Any:
        from ml.home.config import load_config
        from ml.home.layout import Home

        return message(answer, load_config(Home.resolve(options.home)).source.currency)

    return told


def _show(options: Options, answer: Answer, message: Callable[[Answer], Any]) -> None:
    from ml.home.json_text import as_json
    from ml.terminal.look import show, show_json

    if options.json:
        show_json(as_json(answer))
    else:
        show(message(answer))


def entry() -> int:
    """Run the command line; every failure is one line on stderr and an exit code."""
    open_streams()
    os.umask(0o077)  # what the engine creates is for its owner until they say otherwise
    arguments = sys.argv[1:] or ["--help"]
    try:
        # a typer.Exit is its code here, a command that ended is None
        return app(args=arguments, standalone_mode=False) or 0
    except (Exception, KeyboardInterrupt) as error:
        from ml.terminal.failures import show_failure

        flags = _flags_before_the_command(arguments)
        if "--debug" in flags:
            traceback.print_exc()
        return show_failure(error, in_json="--json" in flags)


def _flags_before_the_command(arguments: list[str]) -> set[str]:
    """The options in front; read here, because typer may have refused the call before them."""
    flags, rest = set[str](), iter(arguments)
    for argument in rest:
        if argument == "--home":
            next(rest, None)
        elif not argument.startswith("--"):
            break
        flags.add(argument)
    return flags


if __name__ == "__main__":
    sys.exit(entry())
