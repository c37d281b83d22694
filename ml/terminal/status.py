"""What `status` found of a home, for the terminal."""

from datetime import date

from rich.console import Group, RenderableType
from rich.text import Text

from ml.home.number_text import with_decimals
from ml.life.answers import EarlyWarning, Measurement, OpenWindow, StatusAnswer
from ml.terminal.look import Cell, days, facts, note, page, table, toned, visible
from ml.terminal.messages import beyond_data, lone_day, of_error

SHOWN_WARNINGS = 8
WORST_FIRST = ("alarm", "watch")


def of_status(answer: StatusAnswer, currency: str) -> Group:
    """Champion and calendar, windows that will mature, what somebody has to look at."""
    return page(
        _overview(answer, currency), _open_windows(answer), _warnings(answer), _undelivered(answer)
    )


def _overview(answer: StatusAnswer, currency: str) -> RenderableType:
    champion, last = answer.champion, answer.last_measured
    if champion is None:
        todo = "none yet; `python orchestrate.py train` trains one"
        return facts("Status", {"champion": todo, **_days(answer)})
    return facts(
        "Status",
        {
            "champion": f"{champion.model_id}, trained at {champion.training_cutoff} on "
            f"{champion.history_months} months for {champion.pred_months}",
            "at training": f"RMSE {of_error(champion.baseline_rmse, currency)}, "
            f"R2 {with_decimals(champion.baseline_r2)}, out of time",
            "ledger": f"{answer.champions} row(s), intact",
            **_days(answer),
            "next cutoff": _next(answer.next_cutoff, answer.newest_day),
            "last verdict": _verdict(last, currency)
            if last
            else "no prediction window is complete yet",
        },
    )


def _days(answer: StatusAnswer) -> dict[str, str]:
    """The data, and what is wrong with its last days, where something is."""
    notes = {
        "left aside": lone_day(answer.data),
        "beyond the data": beyond_data(answer.beyond_data),
    }
    return {"data": _data(answer)} | {name: "; ".join(text) for name, text in notes.items() if text}


def _data(answer: StatusAnswer) -> str:
    data = answer.data
    if data.first_day is None or data.newest_day is None:
        return "nothing is loaded yet; `python orchestrate.py load` loads your files"
    doubted = f"; {answer.doubts} doubt(s), `doctor` says them" if answer.doubts else ""
    return (
        f"{days(data.first_day, data.newest_day)}, {data.accepted:,} lines of "
        f"{data.customers:,} customers, {sum(data.rejected.values()):,} refused{doubted}"
    )


def _next(cutoff: date | None, newest: date | None) -> Text | None:
    if cutoff is None:
        return None
    if newest is not None and cutoff <= newest:
        return Text(f"{cutoff} is due; the next `run` scores it", style="yellow")
    missing = "" if newest is None else f", {(cutoff - newest).days} more days"
    return Text(f"{cutoff}, when the data reaches that day{missing}")


def _verdict(last: Measurement, currency: str) -> Text:
    r2 = f"R2 {with_decimals(last.r2)} ({with_decimals(last.baseline_r2)})"
    then = of_error(last.baseline_rmse, currency)
    rmse = f"RMSE {of_error(last.rmse, currency)} (at training {then})"
    return Text.assemble(
        toned(last.verdict),
        f", window of {last.cutoff} over {last.pred_months} months: {rmse}, {r2}; "
        f"{visible(last.reason)}",
    )


def _open_windows(answer: StatusAnswer) -> RenderableType | None:
    windows, newest = answer.open_windows, answer.newest_day
    if not windows or newest is None:
        return None
    rows = [
        (
            str(window.cutoff),
            str(window.window_end),
            f"{(window.window_end - newest).days:,}",
            _worst(answer.early_warnings, window),
            window.model_id,
        )
        for window in windows
    ]
    columns = {"cutoff": "left", "complete when the data reaches": "left", "days to go": "right"}
    return table("Open windows", columns | {"warnings": "left", "model": "left"}, rows)


def _worst(warnings: list[EarlyWarning], window: OpenWindow) -> Cell:
    """The number of warnings of a window by level, such as 1 alarm, 8 watch."""
    levels = [
        one.level
        for one in warnings
        if (one.cutoff, one.model_id) == (window.cutoff, window.model_id)
    ]
    counted = [
        toned(f"{levels.count(level)} {level}", level) for level in WORST_FIRST if level in levels
    ]
    return Text(", ").join(counted) if counted else None


def _warnings(answer: StatusAnswer) -> RenderableType | None:
    warnings = sorted(answer.early_warnings, key=lambda one: WORST_FIRST.index(one.level))
    if not warnings:
        return None
    rows = [(toned(one.level), str(one.cutoff), one.reason) for one in warnings[:SHOWN_WARNINGS]]
    left = len(warnings) - len(rows)
    more = note(f"{left} more in marts.early_warnings") if left else None
    drawn = table("Early warnings", {"level": "left", "cutoff": "left", "reason": "left"}, rows)
    return Group(drawn, more) if more else drawn


def _undelivered(answer: StatusAnswer) -> RenderableType | None:
    rows = [
        (str(one.cutoff), one.model_id, " and ".join(one.missing))
        for one in answer.undelivered_alerts
    ]
    columns = {"cutoff": "left", "model": "left", "the next run sends again": "left"}
    return table("Alerts not delivered", columns, rows) if rows else None
