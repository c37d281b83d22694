"""Results of the commands in words, for the terminal."""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ml.delivery.line_values import TOO_SMALL
from ml.delivery.load import said_of_files
from ml.forgetting.forget import ForgetAnswer
from ml.health.doctor import DoctorAnswer
from ml.home.number_text import UNDEFINED, currency_mark, money, total, with_decimals, worth
from ml.ledger.beyond_data import COMMAND, BeyondData
from ml.ledger.provenance import EngineVersion
from ml.ledger.reproduce import ReproduceAnswer
from ml.ledger.retention import PurgeAnswer
from ml.life.answers import (
    DocsAnswer,
    LoadAnswer,
    Measurement,
    PromoteAnswer,
    RunAnswer,
    ServingModel,
    TrainAnswer,
)
from ml.report.answers import ReportAnswer
from ml.trials.backtest import BacktestAnswer
from ml.trials.compare import CompareAnswer, Difference
from ml.trials.figures import Figures
from ml.trials.tune import TuneAnswer
from ml.warehouse.doubts import Doubt
from ml.warehouse.state import Delivery
from ml.warehouse.timings import Seconds

# metrics that are money
IN_MONEY = ("rmse", "mae")
# models and tests that the timing table of a run names
SLOWEST = 8
MORE_DECIMALS = (
    f"{TOO_SMALL}: the amount would be rounded to 0; a larger source.money_decimals in the config "
    "(up to 10) keeps it"
)
TAKE_BACK = (
    f"deliver the days that are missing; if they never were, `{COMMAND}` takes this back "
    "(`--dry-run` lists it)"
)
TRAIN_AGAIN = "`train` trains another model, `promote MODEL_ID` takes an earlier one"


def of_version(answer: EngineVersion) -> str:
    commit = ""
    if answer.commit is not None:
        changed = ", with uncommitted changes" if answer.has_uncommitted_changes else ""
        commit = f" (commit {answer.commit[:12]}{changed})"
    return f"{answer.name} {answer.version}{commit}"


def of_load(answer: LoadAnswer, currency: str) -> str:
    changes = [f"loaded {name}" for name in answer.files_loaded]
    changes += [f"removed the rows of {name}" for name in answer.files_removed]
    lines = [*(changes or ["nothing new to load"]), *said_of_files(answer), _delivery(answer)]
    lines += [
        f"not counted: {answer.rejected[reason]:,} row(s), {reason}: {worth(amount, currency)}"
        for reason, amount in answer.rejected_money.items()
    ]
    lines += [
        f"left out: {one.line_count:,} row(s), {one.column_name} is {one.value or 'empty'}"
        f"{of_worth(one.amount, currency)}"
        for one in answer.left_out
    ]
    lines += [*map(of_doubt, answer.doubts), *beyond_data(answer.beyond_data)]
    return "\n".join(lines)


def of_worth(amount: float | None, currency: str) -> str:
    return "" if amount is None else f": {worth(amount, currency)}"


def of_doubt(doubt: Doubt) -> str:
    """One line: what looks wrong, and what to type if it is."""
    return f"doubt: {doubt.file}: {doubt.words}; if so: {doubt.remedy}"


def of_train(answer: TrainAnswer, currency: str) -> str:
    champion, model_id = answer.champion, answer.model_id
    if not answer.new:
        lines = [f"this training is in the ledger already, as {model_id}; nothing was added"]
        if champion.model_id != model_id:
            lines.append(f"`promote {model_id}` makes it the champion")
        return "\n".join([*lines, f"champion: {_champion(champion, currency)}"])
    if champion.model_id != model_id:
        return f"new challenger: {model_id}\nchampion: {_champion(champion, currency)}"
    return f"new champion: {_champion(champion, currency)}"


def of_promote(answer: PromoteAnswer, currency: str) -> str:
    verb = "champion is now" if answer.changed else "already the champion:"
    return f"{verb} {_champion(answer.champion, currency)}"


def of_run(answer: RunAnswer, currency: str) -> str:
    lines = [
        f"scored {batch.cutoff}: {batch.customers:,} customers, expected revenue to "
        f"{batch.window_end} {total(batch.predicted_total, currency)} "
        f"({total(batch.predicted_total_low, currency)} to "
        f"{total(batch.predicted_total_high, currency)})"
        for batch in answer.batches
    ]
    lines += [f"warning: {warning}" for batch in answer.batches for warning in batch.warnings]
    lines += [_measurement(window, currency) for window in answer.measured]
    lines += [
        f"early warning ({warning.level}), batch {warning.cutoff}: {warning.reason}"
        for warning in answer.early_warnings
    ]
    lines += [f"wrote {name}" for name in [*answer.exports, *answer.alerts]]
    lines += [f"removed {name}: its window no longer alerts" for name in answer.alerts_withdrawn]
    lines += answer.deliveries
    lines.append(f"report: {answer.report}")
    lines.append(_delivery(answer))
    lines.append(_next(answer.next_cutoff, answer.newest_day))
    lines += beyond_data(answer.beyond_data)
    lines += _timing_table(answer.seconds)
    return "\n".join(lines)


def _timing_table(seconds: Seconds) -> list[str]:
    """Stages of a run, and the slowest models and tests of its builds."""
    rows = [*seconds.stages.items()]
    rows += [(f"  {name}", value) for name, value in list(seconds.nodes.items())[:SLOWEST]]
    return ["seconds"] + [f"{value:9.2f}  {name}" for name, value in rows]


def of_reproduce(answer: ReproduceAnswer, currency: str) -> str:
    verdict = "equal to the last digit" if answer.equal else "NOT equal"
    then, now = answer.manifest, answer.rebuilt
    place = f"at {answer.training_cutoff}, commit {answer.code_commit[:12]}"

    def error(digits: str) -> str:
        """Each digit counts: they are compared."""
        return digits if digits == "None" else f"{currency_mark(currency)}{digits}"

    lines = [
        f"{answer.model_id} trained again {place}: {verdict}",
        f"RMSE {error(then.baseline_rmse)} in the ledger, {error(now.baseline_rmse)} now",
        f"R2 {then.baseline_r2} in the ledger, {now.baseline_r2} now",
        *answer.explanations,
    ]
    if answer.restored:
        lines.append("the joblib was put back; it has the sha256 of the ledger")
    elif answer.restore_wanted:
        lines.append(
            "the joblib was not put back: the new one does not have the sha256 of the ledger and "
            "could not be loaded"
        )
    return "\n".join(lines)


def of_purge(answer: PurgeAnswer) -> str:
    verb = "would remove" if answer.dry_run else "removed"
    lines = [f"{verb} {one.file} ({one.rule})" for one in answer.files]
    beyond = answer.beyond_data
    if beyond is not None:
        lines = [*_taken_back(beyond, verb), *lines]
    return "\n".join(lines or [f"nothing to remove on {answer.today}"])


def _taken_back(beyond: BeyondData, verb: str) -> list[str]:
    """Batches, measurements and the config's cutoff that went, or would go; models that stay."""
    lines = [
        f"{verb} the batch of {one.cutoff} of {one.model_id}: the data ends on {beyond.newest_day}"
        for one in beyond.batches
    ]
    lines += [
        f"{verb} the measurement of {one.cutoff} of {one.model_id}: its window of "
        f"{one.pred_months} months ends after {beyond.newest_day}"
        for one in beyond.measurements
    ]
    if beyond.last_score_cutoff is not None:
        back = beyond.standing_cutoff or "empty, because no batch stands"
        move = "would set" if verb.startswith("would") else "set"
        lines.append(f"{move} run.last_score_cutoff from {beyond.last_score_cutoff} to {back}")
    return [*lines, *_later_models(beyond)]


def beyond_data(beyond: BeyondData | None) -> list[str]:
    """Lines that say what stands on days the data does not have, and what to type."""
    if beyond is None:
        return []
    found = [f"{beyond.problem}: {TAKE_BACK}"] if beyond.can_be_taken_back else []
    return [*found, *_later_models(beyond)]


def _later_models(beyond: BeyondData) -> list[str]:
    return [f"{beyond.model_problem}: {TRAIN_AGAIN}"] if beyond.models else []


def of_docs(answer: DocsAnswer) -> str:
    return f"wrote {answer.page}"


def of_report(answer: ReportAnswer) -> str:
    return f"report: {answer.report}"


def _champion(champion: ServingModel, currency: str) -> str:
    return (
        f"{champion.model_id}, trained at {champion.training_cutoff} on "
        f"{champion.history_months} months for {champion.pred_months}, out-of-time "
        f"RMSE {of_error(champion.baseline_rmse, currency)}, "
        f"R2 {with_decimals(champion.baseline_r2)}"
    )


def of_error(rmse: float | None, currency: str) -> str:
    """An RMSE: money, where it is defined."""
    return UNDEFINED if rmse is None else money(rmse, currency)


def _measurement(window: Measurement, currency: str) -> str:
    revision = f", revision {window.revision}" if window.revision > 1 else ""
    rmse, baseline_rmse = (
        of_error(value, currency) for value in (window.rmse, window.baseline_rmse)
    )
    return (
        f"measured {window.cutoff} over {window.pred_months} months{revision}: "
        f"{window.verdict}; RMSE {rmse} (at training {baseline_rmse}), "
        f"R2 {with_decimals(window.r2)} ({with_decimals(window.baseline_r2)}); {window.reason}"
    )


def _next(cutoff: date, newest_day: date | None) -> str:
    if newest_day is not None and cutoff <= newest_day:
        return f"the next cutoff {cutoff} is due: the data ends on {newest_day}"
    return f"nothing is due: the next cutoff is {cutoff}, the data ends on {newest_day}"


def _delivery(counts: Delivery) -> str:
    refused = ", ".join(f"{reason} {rows:,}" for reason, rows in counts.rejected.items())
    forgotten = counts.forgotten
    left_out = f"{forgotten:,} of forgotten customers left out; " if forgotten else ""
    words = (
        f"{counts.delivered:,} rows in the files, {counts.repeated:,} of them repeated; {left_out}"
        f"{counts.accepted:,} accepted, refused: {refused or 'none'}; "
        f"{counts.customers:,} customers, {counts.first_day} to {counts.newest_day}"
    )
    remedies = [MORE_DECIMALS] if TOO_SMALL in counts.rejected else []
    return "\n".join([words, *remedies, *lone_day(counts)])


def lone_day(counts: Delivery) -> list[str]:
    """A line that says which days do not move the calendar, and what to do; none without them."""
    if counts.lone_day is None:
        return []
    return [
        f"{counts.lone_words}: too few, and too far behind {counts.newest_day}, to move the "
        "calendar; correct the date in the file if it is wrong; if it is right, it counts once "
        "more days follow"
    ]


def of_tune(answer: TuneAnswer, currency: str) -> str:
    head = ("objective", "skill", "D2", "R2", f"RMSE {currency}")
    lines = [f"{'history':>8}{'pred':>6}" + "".join(f"{name:>11}" for name in head)]
    for cell in answer.cells:
        months = f"{cell.history_months:>8}{cell.pred_months:>6}"
        if cell.objective is None:
            lines.append(f"{months}  {cell.reason}")
        else:
            figures = (cell.objective, cell.skill, cell.d2, cell.r2, cell.rmse)
            lines.append(months + "".join(f"{with_decimals(figure):>11}" for figure in figures))
    windows = f"history_months {answer.history_months}, pred_months {answer.pred_months}"
    if answer.is_written:
        lines.append(f"written to the config: {windows}; the next `train` uses them")
    else:
        lines.append(
            "no windows beat naive and Pareto/NBD by more than one standard error: the config is "
            f"unchanged ({windows}); `train` uses these and serves a simple forecast if that is "
            "better; `tune` again when there are more months of data"
        )
    return "\n".join([*lines, *(f"wrote {name}" for name in answer.files)])


def of_compare(answer: CompareAnswer, currency: str) -> str:
    names = ("rmse", "mae", "r2", "d2", "normalised_gini", "bias")
    lines = [
        f"cutoff {answer.cutoff}, {answer.pred_months} months, "
        f"{answer.customers:,} customers whom both models score",
        f"{'':<34}" + _heads(names, currency),
    ]
    for model_id, figures in answer.models.items():
        lines.append(f"{model_id:<34}" + _columns(figures, names))
    lines += [_difference(row, currency) for row in answer.differences]
    lines += [
        f"{model_id} was trained after the cutoff: it has seen these outcomes"
        for model_id in answer.trained_later
    ]
    return "\n".join(lines)


def _difference(row: Difference, currency: str) -> str:
    """How far apart two models are by one metric; those of IN_MONEY are amounts."""

    def figure(value: float | None) -> str:
        if value is None or row.metric not in IN_MONEY:
            return with_decimals(value)
        return money(value, currency)

    return (
        f"{row.metric}: first less second {figure(row.difference)} "
        f"(90 %: {figure(row.low)} to {figure(row.high)})"
    )


def of_backtest(answer: BacktestAnswer, currency: str) -> str:
    names = ("r2", "d2", "normalised_gini", "mae", "bias")
    head = f"mean over {len(answer.cutoffs)} cutoff(s)"
    lines = [f"{head:<24}" + _heads(names, currency)]
    for forecast, means in answer.means.items():
        lines.append(f"{forecast:<24}" + _columns(means, names))
    for row in answer.comparisons:
        if row.metric == "d2":
            lead = UNDEFINED
            if row.difference is not None:
                lead = f"{row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f})"
            lines.append(f"{row.cutoff}: D2 of the champion less {row.rival} {lead}")
    return "\n".join([*lines, *(f"wrote {name}" for name in answer.files)])


def _heads(names: Iterable[str], currency: str) -> str:
    """Names of metrics over their columns; those that are money with its currency."""
    return "".join(f"{f'{name} {currency}' if name in IN_MONEY else name:>17}" for name in names)


def _columns(figures: Figures, names: Iterable[str]) -> str:
    return "".join(f"{with_decimals(getattr(figures, name)):>17}" for name in names)


def of_forget(answer: ForgetAnswer) -> str:
    removed = "would remove" if answer.dry_run else "removed"
    lines = [
        f"{removed} {rows:,} row(s) from {place}"
        for place, rows in (answer.files | answer.tables).items()
    ]
    if answer.outputs:
        rows, files = sum(answer.outputs.values()), len(answer.outputs)
        lines.append(f"{removed} {rows:,} row(s) from {files} output(s)")
    lines += [
        f"{rows:,} row(s) are in {name}, outside the home: not changed, but no load takes them in"
        for name, rows in answer.files_outside.items()
    ]
    lines += [
        f"{name} has no column of customers: check it yourself"
        for name in answer.files_not_searched
    ]
    known = answer.customers - answer.new
    verb = "would be forgotten" if answer.dry_run else "forgotten"
    before = f", {known} forgotten before" if known else ""
    return "\n".join([*lines, f"{answer.new} customer(s) {verb}{before}"])


def of_doctor(answer: DoctorAnswer) -> str:
    """A table of the checks, and under it what to type: lines that can be copied whole."""
    colours = {"ok": "green", "warning": "yellow", "broken": "bold red", "not checked": "dim"}
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("check", "", "found"):
        table.add_column(name, overflow="fold")
    for finding in answer.checks:
        level = Text(finding.level, style=colours[finding.level])
        table.add_row(finding.check, level, Text(finding.what))
    console = Console()
    with console.capture() as text:
        console.print(table)
    levels = Counter(finding.level for finding in answer.checks)
    remedies = [f"{one.check}: {one.remedy}" for one in answer.checks if one.remedy]
    lines = [text.get().strip("\n"), ", ".join(f"{many} {level}" for level, many in levels.items())]
    return "\n".join([*lines, *(["what to do:", *remedies] if remedies else [])])
