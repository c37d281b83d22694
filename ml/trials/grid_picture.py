"""The heat-map of a grid search, as a PNG file."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from ml.home.number_text import total
from ml.report.picture_look import colours, head, mixed, picture_style

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

TITLES = {
    "skill": "Skill against simple forecasts",
    "rmse": "Typical error a customer (RMSE), in {currency}",
    "r2": "Explained differences between customers (R2)",
}
WORDS = {
    "skill": "How much better than the better of naive and Pareto/NBD: higher is better, and above "
    "0 beats both.",
    "rmse": "Lower is better. Columns cannot be compared with each other: more months are more "
    "money.",
    "r2": "Higher is better. Columns cannot be compared with each other.",
}
KEY = "Framed: chosen. Hatched: too few cutoffs. The numbers are in {numbers}."


def draw_grid(table: pd.DataFrame, figure: str, path: Path, *, currency: str, numbers: str) -> None:
    """Heat-map of one figure over history and label windows; the chosen cell is framed.

    table: rows of tuning.rank_cells, the best first. Cells that could not be scored are hatched.
    numbers: name of the CSV file beside the picture that holds the table.
    """
    wide = table.pivot(index="history_months", columns="pred_months", values=figure)
    values = np.ma.masked_invalid(wide.to_numpy(float))
    unit = currency if figure == "rmse" else None
    # inches that hold the longest number
    cell = max([0.95, *(0.09 * len(_number(value, unit)) for value in values.compressed())])
    with plt.rc_context(picture_style()):
        canvas, axes = plt.subplots(
            figsize=(max(3.6, 1.1 + cell * wide.shape[1]), 0.9 + 0.42 * wide.shape[0]),
            layout="constrained",
        )
        axes.imshow(values, cmap=_tints(figure), aspect="auto", origin="lower")
        for row, column in np.ndindex(values.shape):
            _label_cell(axes, values, row, column, unit)
        _frame_best(axes, wide, table.iloc[0])
        axes.set_xticks(range(wide.shape[1]), [f"{months}" for months in wide.columns])
        axes.set_yticks(range(wide.shape[0]), [f"{months}" for months in wide.index])
        axes.set_xlabel("months predicted")
        axes.set_ylabel("months looked back")
        words = f"{WORDS[figure]} {KEY.format(numbers=numbers)}"
        head(canvas, TITLES[figure].format(currency=currency), words)
        canvas.savefig(path, format="png", metadata={"Software": None})
        plt.close(canvas)


def _tints(figure: str) -> LinearSegmentedColormap:
    """From the card to the accent of the page, the better the stronger: black letters fit all."""
    page = colours()
    weak, strong = (mixed(page["accent"], page["card"], share) for share in (0.05, 0.40))
    ends = [strong, weak] if figure == "rmse" else [weak, strong]
    return LinearSegmentedColormap.from_list("page", ends)


def _frame_best(axes: Axes, wide: pd.DataFrame, best: pd.Series) -> None:
    row = list(wide.index).index(best["history_months"])
    column = list(wide.columns).index(best["pred_months"])
    place, colour = (column - 0.5, row - 0.5), colours()["actual"]
    axes.add_patch(Rectangle(place, 1, 1, fill=False, ec=colour, lw=2.5, clip_on=False, zorder=5))


def _label_cell(
    axes: Axes, values: np.ma.MaskedArray, row: int, column: int, unit: str | None
) -> None:
    """The number in a cell, or hatching where there is none; paper between cells."""
    page, place = colours(), (column - 0.5, row - 0.5)
    axes.add_patch(Rectangle(place, 1, 1, fill=False, ec=page["paper"], lw=3, zorder=3))
    if np.ma.is_masked(values[row, column]):
        axes.add_patch(Rectangle(place, 1, 1, fc=page["paper"], ec=page["line"], hatch="////"))
        return
    axes.text(column, row, _number(values[row, column], unit), ha="center", va="center")


def _number(value: float, unit: str | None) -> str:
    """A figure of a cell: an amount where its unit is a currency."""
    return total(float(value), unit) if unit else f"{value:,.3f}"
