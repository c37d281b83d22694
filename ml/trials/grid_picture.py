"""The heat-map of a grid search, as a PNG file."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

GRID_TITLES = {
    "skill": "Skill against the better of naive and Pareto/NBD (share of deviance left)",
    "rmse": "RMSE, currency of the log (not comparable between label windows)",
    "r2": "R2 (not comparable between label windows)",
}


def draw_grid(table: pd.DataFrame, figure: str, path: Path) -> None:
    """Heat-map of one figure over history and label windows; the chosen cell is framed.

    table: rows of tuning.rank_cells, the best first. Cells that could not be scored are hatched.
    """
    wide = table.pivot(index="history_months", columns="pred_months", values=figure)
    canvas, axes = plt.subplots(
        figsize=(2.2 + 1.3 * wide.shape[1], 1.8 + 0.6 * wide.shape[0]), layout="constrained"
    )
    values = np.ma.masked_invalid(wide.to_numpy(float))
    colours = plt.get_cmap("viridis_r" if figure == "rmse" else "viridis")
    image = axes.imshow(values, cmap=colours, aspect="auto", origin="lower")
    for row, column in np.ndindex(values.shape):
        _label_cell(axes, values, row, column, image)
    best = table.iloc[0]
    row = list(wide.index).index(best["history_months"])
    column = list(wide.columns).index(best["pred_months"])
    axes.add_patch(
        Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="#cc4125", linewidth=3)
    )
    axes.set_xticks(range(wide.shape[1]), [f"{months}" for months in wide.columns])
    axes.set_yticks(range(wide.shape[0]), [f"{months}" for months in wide.index])
    axes.set_xlabel("pred_months")
    axes.set_ylabel("history_months")
    axes.set_title(f"{GRID_TITLES[figure]}\nframed: chosen; hatched: too few cutoffs", fontsize=9)
    canvas.savefig(path, dpi=110, format="png", metadata={"Software": None})
    plt.close(canvas)


def _label_cell(
    axes: Axes, values: np.ma.MaskedArray, row: int, column: int, image: AxesImage
) -> None:
    """The number in a cell, or hatching where there is none."""
    if np.ma.is_masked(values[row, column]):
        place = (column - 0.5, row - 0.5)
        axes.add_patch(Rectangle(place, 1, 1, fc="#eeeeee", ec="#aaaaaa", hatch="//"))
        return
    value = float(values[row, column])
    red, green, blue, _ = image.to_rgba(np.array([value]))[0]
    dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3f}"
    axes.text(column, row, text, ha="center", va="center", color="white" if dark else "black")
