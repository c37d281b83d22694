"""`init` on the terminal: its questions, its preview, and what to type next."""

from datetime import date, timedelta
from decimal import Decimal
from shlex import quote
from typing import Any

import typer
from rich.console import Console, Group, RenderableType

from ml.terminal.look import days, facts, money, note, page, table

STEPS = ("load", "tune", "train --cutoff {month_end}", "run", "status")


class Terminal:
    """Asks the person at the terminal; questions go to stderr, stdout is for the result."""

    def answer(self, question: str, default: str) -> str:
        return typer.prompt(question, default=default or None, err=True).strip()

    def agrees(self, preview: dict[str, Any]) -> bool:
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        console.print(of_preview(preview))
        return typer.confirm("write the config", default=True, err=True)


def of_init(found: dict[str, Any]) -> Group:
    """The preview and what was written."""
    return page(of_preview(found), of_written(found))


def of_written(found: dict[str, Any]) -> RenderableType:
    """Where the config stands and the next commands."""
    month_end = _month_end(found["first_day"], found["last_day"])
    command = f"python orchestrate.py --home {quote(found['home'])}"
    steps = {
        str(number): f"{command} {step.format(month_end=month_end)}"
        for number, step in enumerate(STEPS, start=1)
    }
    return facts(f"Wrote {found['config']}. Next", steps)


def _month_end(first: date, last: date) -> date:
    """The last day of a month that the data reaches; the newest day of a shorter log."""
    is_month_end = (last + timedelta(days=1)).day == 1
    month_end = last if is_month_end else last.replace(day=1) - timedelta(days=1)
    return month_end if month_end > first else last


def of_preview(found: dict[str, Any]) -> Group:
    """How the files are read: columns, counts, days, first rows, what to know."""
    source = found["source"]
    mapped = {ours: yours for ours, yours in source["columns"].items() if yours is not None}
    return page(
        facts("Columns", mapped),
        _counts(found),
        table("First rows", *_first_rows(found)),
        *(note(text) for text in found["notes"]),
    )


def _counts(found: dict[str, Any]) -> RenderableType:
    source, rows = found["source"], found["row_count"]
    refused = ", ".join(f"{reason} {count:,}" for reason, count in found["refused"].items())
    share = 1 - found["usable"] / rows
    return facts(
        f"{len(found['files'])} file(s)",
        {
            "rows": f"{rows:,}, usable {found['usable']:,}",
            "refused": f"{share:.1%}: {refused}" if refused else "none",
            "customers": f"{found['customers']:,}",
            "days": f"{days(found['first_day'], found['last_day'])} ({source['timezone']})",
            "net revenue": f"{money(found['net_revenue'])} {source['currency']}",
        },
    )


def _first_rows(found: dict[str, Any]) -> tuple[dict[str, str], list[list[str]]]:
    names = [name for name, yours in found["source"]["columns"].items() if yours is not None]
    names += [] if "amount" in names else ["amount"]
    numbers = ("quantity", "unit_price", "amount")
    columns = {name: "right" if name in numbers else "left" for name in names}
    rows = [[_cell(row[name]) for name in names] for row in found["first_rows"]]
    return columns, rows


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,.2f}" if isinstance(value, Decimal) else str(value)
