"""`init` on the terminal: its questions, its preview, and what to type next."""

from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal
from shlex import quote
from typing import Any

import typer
from rich.console import Console, Group, RenderableType

from ml.delivery.init import InitAnswer
from ml.delivery.preview import FirstRow, Preview
from ml.home.number_text import NOTHING, money, worth
from ml.terminal.look import days, facts, note, page, table

# columns of the first rows that are money
MONEY = ("unit_price", "amount")
STEPS = ("load", "tune", "train --cutoff {month_end}", "run", "status")


class Terminal:
    """Asks the person at the terminal; questions go to stderr, stdout is for the result."""

    def answer(self, question: str, default: str) -> str:
        return typer.prompt(question, default=default or None, err=True).strip()

    def agrees(self, preview: Preview) -> bool:
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        console.print(of_preview(preview))
        return typer.confirm("write this config", default=True, err=True)


def of_init(answer: InitAnswer) -> Group:
    """The preview and what was written."""
    return page(of_preview(answer), of_written(answer))


def of_written(answer: InitAnswer) -> RenderableType:
    """Where the config stands and the next commands."""
    month_end = _month_end(answer.first_day, answer.last_day)
    command = f"python orchestrate.py --home {quote(answer.home)}"
    steps = {
        str(number): f"{command} {step.format(month_end=month_end)}"
        for number, step in enumerate(STEPS, start=1)
    }
    return facts(f"Wrote {answer.config}. Next", steps)


def _month_end(first: date, last: date) -> date:
    """The last day of a month that the data reaches; the newest day of a shorter log."""
    is_month_end = (last + timedelta(days=1)).day == 1
    month_end = last if is_month_end else last.replace(day=1) - timedelta(days=1)
    return month_end if month_end > first else last


def of_preview(preview: Preview) -> Group:
    """How the files are read: columns, counts, days, first rows, what to know."""
    return page(
        facts("Columns", preview.source.columns.delivered()),
        _counts(preview),
        _years(preview),
        table("First rows", *_first_rows(preview)),
        *(note(text) for text in preview.notes),
        *(note(f"doubt: {one.words}; if so: {one.remedy}") for one in preview.doubts),
    )


def _counts(preview: Preview) -> RenderableType:
    source, rows = preview.source, preview.row_count
    refused = ", ".join(
        f"{reason} {count:,} ({worth(preview.refused_money[reason], source.currency)})"
        for reason, count in preview.refused.items()
    )
    share = 1 - preview.usable / rows
    return facts(
        f"{len(preview.files)} file(s)",
        {
            "rows": f"{rows:,}, usable {preview.usable:,}",
            "refused": f"{share:.1%}: {refused}" if refused else "none",
            "left out": _left_out(preview),
            "customers": f"{preview.customers:,}",
            "days": f"{days(preview.first_day, preview.last_day)} ({source.timezone})",
            "net revenue": money(preview.net_revenue, source.currency),
        },
    )


def _left_out(preview: Preview) -> str:
    return (
        "; ".join(
            f"{one.line_count:,}, {one.column_name} is {one.value or 'empty'}"
            for one in preview.left_out
        )
        or "none"
    )


def _years(preview: Preview) -> RenderableType:
    """Totals to hold against the shop's own books."""
    names = ("year", "orders", "customers", "net revenue", "returns")
    rows = [
        (
            str(one.year),
            f"{one.orders:,}",
            f"{one.customers:,}",
            money(one.net_revenue, preview.source.currency),
            money(one.returns, preview.source.currency),
        )
        for one in preview.years
    ]
    return table("By year: compare it with your books", dict.fromkeys(names, "right"), rows)


def _first_rows(preview: Preview) -> tuple[dict[str, str], list[list[str]]]:
    shown = {one.name for one in fields(FirstRow)}
    names = [name for name in preview.source.columns.delivered() if name in shown]
    names += [] if "amount" in names else ["amount"]
    numbers = ("quantity", "unit_price", "amount")
    columns = {name: "right" if name in numbers else "left" for name in names}
    rows = [
        [_cell(name, getattr(row, name), preview.source.currency) for name in names]
        for row in preview.first_rows
    ]
    return columns, rows


def _cell(name: str, value: Any, currency: str) -> str:
    if value is None:
        return NOTHING
    if name in MONEY:
        return money(value, currency)
    return f"{value.normalize():,f}" if isinstance(value, Decimal) else str(value)
