"""How pictures look that stand beside the report: its colours, its letters, its headings.

ml/report/page/style.css is the one place where they are set. Reads only.
"""

import math
import re
import textwrap
from pathlib import Path
from typing import Any

from ml.home.number_text import short_amount
from ml.report.scales import log_ticks

STYLE = Path(__file__).parent / "page" / "style.css"
# per inch
DOTS = 144
# inches of a letter, of a line of letters, and between a heading and its picture
LETTER = {"normal": 0.074, "bold": 0.085}
LINE, GAP = 0.17, 0.16


def colours() -> dict[str, str]:
    """The colours of the light page by their name in the style sheet, such as accent: #0d5c63."""
    (light, *_) = re.findall(r":root \{(.*?)\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)
    return dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", light))


def mixed(colour: str, ground: str, share: float) -> str:
    """A share (0-1) of `colour` in `ground`, both #rrggbb, as color-mix() of the page.

    >>> mixed("#000000", "#ffffff", 0.5)
    '#808080'
    """
    parts = [
        (int(colour[place : place + 2], 16), int(ground[place : place + 2], 16))
        for place in (1, 3, 5)
    ]
    return "#" + "".join(f"{round(share * one + (1 - share) * other):02x}" for one, other in parts)


def picture_style() -> Any:
    """Settings of matplotlib by name: paper, ink, grid and letters of the page; no frame, no ticks.

    Any, because this package does not import matplotlib, which has a type for the names.
    """
    page = colours()
    return {
        "figure.facecolor": page["paper"],
        "axes.facecolor": page["paper"],
        "savefig.facecolor": page["paper"],
        "savefig.dpi": DOTS,
        "savefig.bbox": "tight",
        "savefig.pad_inches": 0.25,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9.0,
        # a dollar is a dollar, not the start of a formula
        "text.parse_math": False,
        "text.color": page["ink"],
        "axes.titlesize": 9.0,
        "axes.titleweight": "bold",
        "axes.titlecolor": page["ink"],
        "axes.titlelocation": "left",
        "axes.titlepad": 10.0,
        "axes.labelcolor": page["soft"],
        "axes.grid": False,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.spines.bottom": False,
        "grid.color": page["line"],
        "grid.linewidth": 0.8,
        "hatch.color": page["line"],
        "hatch.linewidth": 0.8,
        "legend.frameon": False,
        "xtick.color": page["soft"],
        "ytick.color": page["soft"],
        "xtick.major.size": 0.0,
        "xtick.minor.size": 0.0,
        "ytick.major.size": 0.0,
        "ytick.major.pad": 8.0,
        "ytick.minor.size": 0.0,
    }


def money_ticks(low: float, high: float, currency: str, inches: float) -> dict[float, str]:
    """Round amounts on a logarithmic line of so many inches, with labels that do not touch.

    >>> money_ticks(5, 150, "USD", 4)
    {5.0: '$5', 10.0: '$10', 20.0: '$20', 50.0: '$50', 100.0: '$100'}
    >>> money_ticks(5, 150, "XAF", 1)
    {5.0: 'FCFA\\xa05', 50.0: 'FCFA\\xa050'}
    """
    found, free = dict[float, str](), -math.inf
    for value in log_ticks(low, high):
        label = short_amount(value, currency)
        place = inches * math.log(value / low) / math.log(high / low)
        half = len(label) * LETTER["normal"] / 2
        if place - half >= free:
            found[value], free = label, place + half + LETTER["normal"]
    return found


def head(figure: Any, title: str, words: str) -> None:
    """Write title and words above a matplotlib figure, in as many lines as its width asks for.

    They are outside of the figure's own area, which `savefig.bbox` widens: nothing is cut off.
    """
    page, (width, height) = colours(), figure.get_size_inches()
    place = height + GAP
    for text, colour, weight in ((words, page["soft"], "normal"), (title, page["ink"], "bold")):
        letters = max(round(width / LETTER[weight]), 24)
        lines = textwrap.wrap(text, letters, break_long_words=False)
        figure.text(
            0.02,
            place / height,
            "\n".join(lines),
            color=colour,
            weight=weight,
            va="bottom",
            linespacing=1.35,
        )
        place += LINE * len(lines) + 0.05
