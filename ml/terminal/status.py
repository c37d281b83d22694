"""What `status` found of a home, for the terminal."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from ml.terminal.look import Cell, days, facts, note, page, table, toned

SHOWN_WARNINGS = 8
WORST_FIRST = ("alarm", "watch")


def of_status(found: dict[str, Any]) -> Group:
    """Champion and calendar, windows that will mature, what somebody has to look at."""
    return page(_overview(found), _open_windows(found), _warnings(found), _undelivered(found))


def _overview(found: dict[str, Any]) -> RenderableType:
    champion, last = found["champion"], found["last_measured"]
    if champion is None:
        todo = "none yet; `python orchestrate.py train` makes one"
        return facts("Status", {"champion": todo, "data": _data(found)})
    return facts(
        "Status",
        {
            "champion": f"{champion['model_id']}, trained at {champion['training_cutoff']} on "
            f"{champion['history_months']} months for {champion['pred_months']}",
            "at training": f"RMSE {_figure(champion['baseline_rmse'])}, "
            f"R2 {_figure(champion['baseline_r2'])}, out of time",
            "ledger": f"{found['champions']} row(s), intact",
            "data": _data(found),
            "next cutoff": _next(found),
            "last verdict": _verdict(last) if last else "no window has matured yet",
        },
    )


def _data(found: dict[str, Any]) -> str:
    data = found["data"]
    if found["newest_day"] is None:
        return "nothing loaded yet; `python orchestrate.py load`"
    return (
        f"{days(data['first_day'], data['newest_day'])}, {data['accepted']:,} lines of "
        f"{data['customers']:,} customers, {sum(data['rejected'].values()):,} refused"
    )


def _next(found: dict[str, Any]) -> Text:
    cutoff, newest = found["next_cutoff"], found["newest_day"]
    if newest is not None and cutoff <= newest:
        return Text(f"{cutoff} is due; the next `run` scores it", style="yellow")
    missing = "" if newest is None else f", {(cutoff - newest).days} more days"
    return Text(f"{cutoff}, when the data reaches that day{missing}")


def _verdict(last: dict[str, Any]) -> Text:
    r2 = f"R2 {_figure(last['r2'])} ({_figure(last['baseline_r2'])})"
    rmse = f"RMSE {_figure(last['rmse'])} (at training {_figure(last['baseline_rmse'])})"
    return Text.assemble(
        toned(last["verdict"]),
        f", window of {last['cutoff']} over {last['pred_months']} months: {rmse}, {r2}",
    )


def _open_windows(found: dict[str, Any]) -> RenderableType | None:
    windows, newest = found["open_windows"], found["newest_day"]
    if not windows:
        return None
    rows = [
        (
            str(window["cutoff"]),
            str(window["window_end"]),
            f"{(window['window_end'] - newest).days:,}",
            _worst(found["early_warnings"], window),
            window["model_id"],
        )
        for window in windows
    ]
    columns = {"cutoff": "left", "matures when the data reaches": "left", "days to go": "right"}
    return table("Open windows", columns | {"warnings": "left", "model": "left"}, rows)


def _worst(warnings: list[dict[str, Any]], window: dict[str, Any]) -> Cell:
    """How many warnings of which level a window has."""
    levels = [
        one["level"]
        for one in warnings
        if (one["cutoff"], one["model_id"]) == (window["cutoff"], window["model_id"])
    ]
    counted = [
        toned(f"{levels.count(level)} {level}", level) for level in WORST_FIRST if level in levels
    ]
    return Text(", ").join(counted) if counted else None


def _warnings(found: dict[str, Any]) -> RenderableType | None:
    warnings = sorted(found["early_warnings"], key=lambda one: WORST_FIRST.index(one["level"]))
    if not warnings:
        return None
    rows = [
        (toned(one["level"]), str(one["cutoff"]), one["reason"])
        for one in warnings[:SHOWN_WARNINGS]
    ]
    left = len(warnings) - len(rows)
    more = note(f"{left} more in marts.early_warnings") if left else None
    drawn = table("Early warnings", {"level": "left", "cutoff": "left", "reason": "left"}, rows)
    return Group(drawn, more) if more else drawn


def _undelivered(found: dict[str, Any]) -> RenderableType | None:
    rows = [
        (str(one["cutoff"]), one["model_id"], " and ".join(one["missing"]))
        for one in found["undelivered_alerts"]
    ]
    columns = {"cutoff": "left", "model": "left", "the next run tries again to send": "left"}
    return table("Alerts not delivered", columns, rows) if rows else None


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
