"""Results of the commands in words, for the terminal."""

from collections import Counter
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ml.ledger.provenance import EngineVersion

# models and tests that the timing table of a run names
SLOWEST = 8
UNDEFINED = "undefined"


def of_version(result: EngineVersion) -> str:
    commit = ""
    if result.commit is not None:
        changed = ", with uncommitted changes" if result.has_uncommitted_changes else ""
        commit = f" (commit {result.commit[:12]}{changed})"
    return f"{result.name} {result.version}{commit}"


def of_load(result: dict[str, Any]) -> str:
    changes = [f"loaded {name}" for name in result["files_loaded"]]
    changes += [f"took out {name}" for name in result["files_removed"]]
    return "\n".join([*(changes or ["nothing new to load"]), _delivery(result)])


def of_train(result: dict[str, Any]) -> str:
    champion, model_id = result["champion"], result["model_id"]
    if not result["new"]:
        lines = [f"the ledger has this training already as {model_id}; nothing was added"]
        if champion["model_id"] != model_id:
            lines.append(f"`promote {model_id}` makes it the champion")
        return "\n".join([*lines, f"champion: {_champion(champion)}"])
    if champion["model_id"] != model_id:
        return f"new challenger: {model_id}\nchampion: {_champion(champion)}"
    return f"new champion: {_champion(champion)}"


def of_promote(result: dict[str, Any]) -> str:
    verb = "champion is now" if result["changed"] else "already the champion:"
    return f"{verb} {_champion(result['champion'])}"


def of_run(result: dict[str, Any]) -> str:
    lines = [
        f"scored {batch['cutoff']}: {batch['customers']:,} customers, expected revenue to "
        f"{batch['window_end']} {batch['predicted_total']:,.0f} "
        f"({batch['predicted_total_low']:,.0f} to {batch['predicted_total_high']:,.0f})"
        for batch in result["batches"]
    ]
    lines += [f"warning: {warning}" for batch in result["batches"] for warning in batch["warnings"]]
    lines += [_measurement(found) for found in result["measured"]]
    lines += [
        f"early {warning['level']}, batch {warning['cutoff']}: {warning['reason']}"
        for warning in result["early_warnings"]
    ]
    lines += [f"wrote {name}" for name in [*result["exports"], *result["alerts"]]]
    lines += [f"withdrew {name}: nothing drifts any more" for name in result["alerts_withdrawn"]]
    lines += result["deliveries"]
    lines.append(of_report(result))
    lines.append(_delivery(result))
    lines.append(_next(result["next_cutoff"], result["newest_day"]))
    lines += _timing_table(result["seconds"])
    return "\n".join(lines)


def _timing_table(seconds: dict[str, dict[str, float]]) -> list[str]:
    """Stages of a run, and the slowest models and tests of its builds."""
    rows = [*seconds["stages"].items()]
    rows += [(f"  {name}", value) for name, value in list(seconds["nodes"].items())[:SLOWEST]]
    return ["seconds"] + [f"{value:9.2f}  {name}" for name, value in rows]


def of_reproduce(result: dict[str, Any]) -> str:
    verdict = "equal to the last digit" if result["equal"] else "NOT equal"
    then, now = result["manifest"], result["rebuilt"]
    place = f"at {result['training_cutoff']}, commit {result['code_commit'][:12]}"
    lines = [
        f"{result['model_id']} trained again {place}: {verdict}",
        f"RMSE {then['baseline_rmse']} in the ledger, {now['baseline_rmse']} now",
        f"R2 {then['baseline_r2']} in the ledger, {now['baseline_r2']} now",
        *result["explanations"],
    ]
    if result["restored"]:
        lines.append("put the joblib back, with the bytes the ledger names")
    elif result["restore_wanted"]:
        lines.append(
            "the joblib was not put back: the rebuilt one does not have the sha256 of the ledger "
            "and would not be loaded"
        )
    return "\n".join(lines)


def of_purge(result: dict[str, Any]) -> str:
    if not result["files"]:
        return f"nothing to remove on {result['today']}"
    verb = "would remove" if result["dry_run"] else "removed"
    return "\n".join(f"{verb} {one['file']} ({one['rule']})" for one in result["files"])


def of_docs(result: dict[str, Any]) -> str:
    return f"wrote {result['page']}"


def of_report(result: dict[str, Any]) -> str:
    return f"report: {result['report']}"


def _champion(champion: dict[str, Any]) -> str:
    return (
        f"{champion['model_id']}, trained at {champion['training_cutoff']} on "
        f"{champion['history_months']} months for {champion['pred_months']}, out-of-time "
        f"RMSE {_figure(champion['baseline_rmse'])}, R2 {_figure(champion['baseline_r2'])}"
    )


def _measurement(found: dict[str, Any]) -> str:
    revision = f", revision {found['revision']}" if found["revision"] > 1 else ""
    rmse, baseline_rmse = (_figure(found[name], 2) for name in ("rmse", "baseline_rmse"))
    segment = ""
    if found["segment_has_drifted"]:
        segment = f"; {found['segment_kind']} {found['segment']} left the rest"
    return (
        f"measured {found['cutoff']} over {found['pred_months']} months{revision}: "
        f"{found['verdict']}; RMSE {rmse} (at training {baseline_rmse}), "
        f"R2 {_figure(found['r2'])} ({_figure(found['baseline_r2'])}){segment}"
    )


def _next(cutoff: Any, newest_day: Any) -> str:
    if newest_day is not None and cutoff <= newest_day:
        return f"next cutoff {cutoff} is due; the data reaches {newest_day}"
    return f"nothing due: next cutoff {cutoff}, the data reaches {newest_day}"


def _delivery(result: dict[str, Any]) -> str:
    refused = ", ".join(f"{reason} {rows:,}" for reason, rows in result["rejected"].items())
    forgotten = result["forgotten"]
    left_out = f"{forgotten:,} of forgotten customers, left out; " if forgotten else ""
    return (
        f"{result['delivered']:,} rows delivered, {result['repeated']:,} of them twice; {left_out}"
        f"{result['accepted']:,} accepted, refused: {refused or 'none'}; "
        f"{result['customers']:,} customers, {result['first_day']} to {result['newest_day']}"
    )


def of_tune(result: dict[str, Any]) -> str:
    head = ("objective", "skill", "D2", "R2", "RMSE")
    lines = [f"{'history':>8}{'pred':>6}" + "".join(f"{name:>11}" for name in head)]
    for cell in result["cells"]:
        months = f"{cell['history_months']:>8}{cell['pred_months']:>6}"
        if cell["objective"] is None:
            lines.append(f"{months}  {cell['reason']}")
        else:
            shown = ("objective", "skill", "d2", "r2", "rmse")
            lines.append(months + "".join(f"{_figure(cell[name]):>11}" for name in shown))
    lines.append(
        f"written to the config: history_months {result['history_months']}, "
        f"pred_months {result['pred_months']}; the next `train` uses them"
    )
    return "\n".join([*lines, *(f"wrote {name}" for name in result["files"])])


def of_compare(result: dict[str, Any]) -> str:
    shown = ("rmse", "mae", "r2", "d2", "normalised_gini", "bias")
    lines = [
        f"cutoff {result['cutoff']}, {result['pred_months']} months, "
        f"{result['customers']:,} customers whom both models score",
        f"{'':<34}" + "".join(f"{name:>17}" for name in shown),
    ]
    for model_id, figures in result["models"].items():
        lines.append(f"{model_id:<34}" + "".join(f"{_figure(figures[name]):>17}" for name in shown))
    lines += [
        f"{row['metric']}: first less second {_figure(row['difference'])} "
        f"(90 %: {_figure(row['low'])} to {_figure(row['high'])})"
        for row in result["differences"]
    ]
    lines += [
        f"{model_id} was trained later than the cutoff: it has seen these labels"
        for model_id in result["trained_later"]
    ]
    return "\n".join(lines)


def of_backtest(result: dict[str, Any]) -> str:
    shown = ("r2", "d2", "normalised_gini", "mae", "bias")
    head = f"mean over {len(result['cutoffs'])} cutoff(s)"
    lines = [f"{head:<24}" + "".join(f"{name:>17}" for name in shown)]
    for forecast, means in result["means"].items():
        lines.append(f"{forecast:<24}" + "".join(f"{_figure(means[name]):>17}" for name in shown))
    for row in result["comparisons"]:
        if row["metric"] == "d2":
            lead = UNDEFINED
            if row["difference"] is not None:
                lead = f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
            lines.append(f"{row['cutoff']}: D2 of the champion less {row['rival']} {lead}")
    return "\n".join([*lines, *(f"wrote {name}" for name in result["files"])])


def _figure(value: float | None, decimals: int = 3) -> str:
    return UNDEFINED if value is None else f"{value:.{decimals}f}"


def of_forget(result: dict[str, Any]) -> str:
    took = "would take" if result["dry_run"] else "took"
    lines = [
        f"{took} {rows:,} row(s) out of {place}"
        for place, rows in (result["files"] | result["tables"]).items()
    ]
    if result["outputs"]:
        rows, files = sum(result["outputs"].values()), len(result["outputs"])
        lines.append(f"{took} {rows:,} row(s) out of {files} output(s)")
    lines += [
        f"{rows:,} row(s) stand in {name}, outside the home: not changed, left out of every load"
        for name, rows in result["files_outside"].items()
    ]
    lines += [
        f"{name} has no column of customers: look into it yourself"
        for name in result["files_not_searched"]
    ]
    known = result["customers"] - result["new"]
    verb = "would be forgotten" if result["dry_run"] else "forgotten"
    before = f", {known} forgotten before" if known else ""
    return "\n".join([*lines, f"{result['new']} customer(s) {verb}{before}"])


def of_doctor(result: dict[str, Any]) -> str:
    """A table of the checks, and under it what to type: lines that can be copied whole."""
    colours = {"ok": "green", "warning": "yellow", "broken": "bold red", "not checked": "dim"}
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("check", "", "found"):
        table.add_column(name, overflow="fold")
    for found in result["checks"]:
        level = Text(found["level"], style=colours[found["level"]])
        table.add_row(found["check"], level, Text(found["what"]))
    console = Console()
    with console.capture() as text:
        console.print(table)
    levels = Counter(found["level"] for found in result["checks"])
    remedies = [f"{one['check']}: {one['remedy']}" for one in result["checks"] if one["remedy"]]
    lines = [text.get().strip("\n"), ", ".join(f"{many} {level}" for level, many in levels.items())]
    return "\n".join([*lines, *(["what to do:", *remedies] if remedies else [])])
