"""How results look on a terminal: headings, facts and tables; the same as plain text in a pipe."""

import io
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import date

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

# In a pipe nothing is wrapped or cut: a line of a table is a line of text.
PIPE_WIDTH = 1000
TONES = {
    "ok": "green",
    "cannot be told": "dim",
    "watch": "yellow",
    "breach": "yellow",
    "alarm": "red",
    "drift": "red",
    "sustained drift": "red",
}
BLOCKS = "▁▂▃▄▅▆▇█"

Cell = str | Text | None


def open_streams() -> None:
    """Make stdin, stdout and stderr fit for use, whatever the caller left of them.

    One that was closed leads to nowhere: else the next file that is opened has its number, and
    libraries write into it. A sign that the encoding of the terminal lacks becomes `?`.
    """
    for number, (name, mode) in enumerate({"stdin": "r", "stdout": "w", "stderr": "w"}.items()):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def show_json(text: str) -> None:
    """Print JSON on stdout, in UTF-8 whatever the terminal's encoding."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    print(text)


def show(message: str | RenderableType) -> None:
    """Print a message on stdout: a text as it is, the rest as wide as the terminal."""
    console = Console(highlight=False, markup=False, emoji=False)
    if isinstance(message, str):
        print(message)
    elif console.is_terminal:
        console.print(message)
    else:
        print(plain_text(message))


def plain_text(message: RenderableType, width: int = PIPE_WIDTH) -> str:
    """What a pipe gets: no colours, no trailing blanks."""
    console = Console(
        file=io.StringIO(),
        width=width,
        color_system=None,
        force_terminal=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as capture:
        console.print(message)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    return "\n".join(lines).strip("\n")


def page(*blocks: RenderableType | None) -> Group:
    """Blocks under each other, a blank line between them; None is left out."""
    spaced: list[RenderableType] = []
    for block in blocks:
        if block is not None:
            spaced += [block, Text("")]
    return Group(*spaced[:-1])


def heading(text: str) -> Text:
    return Text(visible(text), style="bold cyan")


def note(text: str) -> Text:
    """A line that people should not miss."""
    return Text(visible(text), style="yellow")


def toned(text: str, word: str | None = None) -> Text:
    """A text in the colour of the verdict or level it is, or of `word`."""
    return Text(text, style=TONES.get(word or text, ""))


def facts(title: str, rows: Mapping[str, Cell]) -> Group:
    """Names and values in two columns under a heading; a value of None is left out."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", overflow="fold")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value is not None:
            table.add_row(name, _cell(value))
    return Group(heading(title), table)


def table(title: str, columns: Mapping[str, str], rows: Iterable[Iterable[Cell]]) -> Group:
    """Rows under a heading; columns: name to "left" or "right"."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for name, side in columns.items():
        is_right = side == "right"
        drawn.add_column(name, justify="right" if is_right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(_cell(value) for value in row))
    return Group(heading(title), drawn)


def sparkline(values: list[float]) -> str:
    """One character a value against the largest: · for nothing, - below 0."""
    most = max([0.0, *values])

    def block(value: float) -> str:
        if value < 0:
            return "-"
        return BLOCKS[min(int(value / most * len(BLOCKS)), len(BLOCKS) - 1)] if value else "·"

    return "".join(block(value) for value in values)


def bar(value: float, most: float, width: int = 20) -> str:
    """`value` as a bar of at most `width` characters; nothing for 0 and below."""
    return "█" * max(round(value / most * width), 1) if value > 0 else ""


def visible(text: str) -> str:
    """Text of the data without what a terminal would obey: control characters become ?."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def days(first: date, last: date) -> str:
    return f"{first} to {last}"


def _cell(value: Cell) -> Text:
    return value if isinstance(value, Text) else Text("-" if value is None else visible(value))
