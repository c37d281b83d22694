"""The picture of a drift alert: calibration out-of-time at training, and now."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.alerts.facts import DriftFacts, calibration
from ml.home.files import place_atomically
from ml.home.number_text import short_amount
from ml.report.picture_look import colours, head, money_ticks, picture_style

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]

# inches of a period
PANEL = 4.6
MEANS = ["mean_predicted", "mean_actual"]
TITLE = "Predicted and actual money a customer, by tenth of the customers"
WORDS = (
    "The tenth with the highest predictions is on top. The closer the two dots, the better; equal "
    "distances are equal ratios. The numbers are in the table of the alert."
)


def draw_alert(facts: DriftFacts, path: Path, currency: str) -> None:
    """Calibration by decile, out-of-time at training and now."""
    periods = calibration(facts)
    first = str((facts.baseline.get("cutoffs") or [""])[0])
    ends = {"at training": first, "now": str(facts.batch.cutoff)}
    titles = {f"{name}: window after {ends[name]}": rows for name, rows in periods.items()}
    place_atomically(path, lambda part: draw_calibration(titles, currency, part))


def draw_calibration(periods: dict[str, pd.DataFrame], currency: str, path: Path) -> None:
    """Mean predicted and actual money by tenth of the customers, a panel for each period.

    periods: title -> decile (1 = highest predicted), mean_predicted, mean_actual. What is below a
    thousandth of the highest mean lies at the edge.
    """
    low, high = _ends(np.concatenate([rows[MEANS].to_numpy(float) for rows in periods.values()]))
    with plt.rc_context(picture_style()):
        figure, panels = plt.subplots(
            1,
            len(periods),
            figsize=(PANEL * len(periods), 3.4),
            squeeze=False,
            layout="constrained",
        )
        for axes, (title, rows) in zip(panels[0], periods.items(), strict=True):
            axes.set_title(title)
            axes.set_xscale("log")
            axes.set_xlim(low, max(high, 2 * low))
            _draw_tenths(axes, rows["decile"], *rows[MEANS].to_numpy(float).clip(min=low).T)
            _label_money(axes, low, high, currency)
        panels[0][0].legend(loc="lower right")
        head(figure, TITLE, WORDS)
        figure.savefig(path, format="png", metadata={"Software": None})
        plt.close(figure)


def _ends(means: FloatArray) -> tuple[float, float]:
    """Where the line of money begins and ends, both above 0; the same where nobody spent any."""
    high = float(means.max(initial=0.0))
    if not high > 0:
        return 1.0, 1.0
    return max(float(means[means > 0].min()) / 1.3, high / 1000), high * 1.3


def _draw_tenths(axes: Axes, place: pd.Series, predicted: FloatArray, actual: FloatArray) -> None:
    """A row for each tenth, the best on top: a filled dot predicted, an open one actual."""
    page = colours()
    axes.grid(axis="x")
    axes.hlines(place, predicted, actual, color=page["line"], linewidth=4, zorder=2)
    axes.plot(
        predicted, place, "o", color=page["accent"], label="predicted", zorder=3, clip_on=False
    )
    axes.plot(
        actual,
        place,
        "o",
        mfc=page["paper"],
        mec=page["actual"],
        mew=1.8,
        label="actual",
        zorder=4,
        clip_on=False,
    )
    axes.set_yticks(place, ["best" if tenth == 1 else f"{tenth:.0f}" for tenth in place])
    axes.set_ylim(len(place) + 0.7, 0.3)


def _label_money(axes: Axes, low: float, high: float, currency: str) -> None:
    """Round amounts below the line; 0 alone where nobody spent anything."""
    ticks = {low: short_amount(0, currency)}
    if high > low:
        ticks = money_ticks(low, high, currency, PANEL - 0.6)
    axes.set_xticks([*ticks], [*ticks.values()])
    axes.set_xticks([], minor=True)
