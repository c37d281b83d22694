"""The picture of a backtest, as a PNG file: D2 by cutoff and calibration by decile."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

NAMES = {
    "champion": "champion",
    "naive": "naive",
    "bg_nbd": "BG/NBD",
    "pareto_nbd": "Pareto/NBD",
    "xgb_rfm": "XGBoost on RFM",
}
COLOURS = {
    "champion": "#0b5394",
    "naive": "#b7b7b7",
    "bg_nbd": "#93c47d",
    "pareto_nbd": "#e69138",
    "xgb_rfm": "#cc4125",
}


def draw_backtest(tables: dict[str, pd.DataFrame], path: Path) -> None:
    """D2 by cutoff, and mean actual over mean predicted by decile, for every forecast."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    _draw_d2(left, tables["metrics"])
    _draw_deciles(right, tables["deciles"])
    figure.savefig(path, dpi=110, format="png", metadata={"Software": None})
    plt.close(figure)


def _draw_d2(axes: Axes, metrics: pd.DataFrame) -> None:
    # a D2 is NaN where nobody bought: its bar is left out, not its forecast
    table = metrics.set_index(["cutoff", "forecast"])["d2"].unstack(sort=False)
    width = 0.8 / len(table.columns)
    for number, forecast in enumerate(table.columns):
        place = np.arange(len(table)) + (number - (len(table.columns) - 1) / 2) * width
        values = table[forecast].clip(lower=-0.5)
        axes.bar(place, values, width, color=COLOURS[forecast], label=NAMES[forecast])
    axes.set_xticks(np.arange(len(table)), [str(cutoff) for cutoff in table.index])
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_title("Deviance explained (D2), by cutoff; bars end at -0.5")
    axes.legend(frameon=False, fontsize=8)


def _draw_deciles(axes: Axes, deciles: pd.DataFrame) -> None:
    means = deciles.groupby(["forecast", "decile"], sort=False)[
        ["mean_predicted", "mean_actual"]
    ].mean()
    for forecast, rows in means.groupby(level="forecast", sort=False):
        visible = rows.clip(lower=0.01)
        axes.plot(
            visible["mean_predicted"],
            visible["mean_actual"],
            marker="o",
            markersize=4,
            color=COLOURS[str(forecast)],
            label=NAMES[str(forecast)],
        )
    _, high = axes.get_xlim()
    axes.plot([0.01, high], [0.01, high], color="black", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("mean predicted of a tenth of the customers")
    axes.set_ylabel("mean actual")
    axes.set_title("Calibration by decile; on the dotted line it is exact")
