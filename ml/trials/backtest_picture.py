"""The picture of a backtest, as a PNG file: D2 by cutoff and calibration by decile."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from ml.report.picture_look import colours, head, money_ticks, picture_style

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
# names of colours in the style sheet of the page, and signs that tell the lines apart without them
COLOURS = {
    "champion": "accent",
    "naive": "soft",
    "bg_nbd": "breach",
    "pareto_nbd": "actual",
    "xgb_rfm": "sustained",
}
SIGNS = {"champion": "o", "naive": "s", "bg_nbd": "^", "pareto_nbd": "D", "xgb_rfm": "v"}
# less than this share of the highest mean lies at the edge
LEAST_SHARE = 1e-4
WORDS = (
    "Left: bars end at -0.5. Right: on the dotted line it is exact; equal distances are equal "
    "ratios. The numbers are in backtest_metrics_{name}.csv and backtest_deciles_{name}.csv."
)


def draw_backtest(tables: dict[str, pd.DataFrame], name: str, currency: str, path: Path) -> None:
    """D2 by cutoff, and mean actual over mean predicted by decile, for every forecast.

    name: what the CSV files beside the picture are named after.
    """
    with plt.rc_context(picture_style()):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
        _draw_d2(left, tables["metrics"])
        _draw_deciles(right, tables["deciles"], currency)
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=5)
        head(figure, "How good the forecasts were at past cutoffs", WORDS.format(name=name))
        figure.savefig(path, format="png", metadata={"Software": None})
        plt.close(figure)


def _draw_d2(axes: Axes, metrics: pd.DataFrame) -> None:
    # a D2 is NaN where nobody bought: its bar is left out, not its forecast
    page = colours()
    table = metrics.set_index(["cutoff", "forecast"])["d2"].unstack(sort=False)
    width = 0.8 / len(table.columns)
    for number, forecast in enumerate(table.columns):
        place = np.arange(len(table)) + (number - (len(table.columns) - 1) / 2) * width
        values = table[forecast].clip(lower=-0.5)
        axes.bar(place, values, 0.88 * width, color=page[COLOURS[forecast]], label=NAMES[forecast])
    axes.set_xticks(np.arange(len(table)), [str(cutoff) for cutoff in table.index])
    axes.grid(axis="y")
    axes.axhline(0, color=page["soft"], linewidth=0.8)
    axes.set_title("Deviance explained (D2), by cutoff")


def _draw_deciles(axes: Axes, deciles: pd.DataFrame, currency: str) -> None:
    page = colours()
    means = deciles.groupby(["forecast", "decile"], sort=False)[
        ["mean_predicted", "mean_actual"]
    ].mean()
    values = means.to_numpy(float)
    high = max(float(values.max()), 0.0) or 1.0
    low = max(float(values[values > 0].min(initial=high)) / 1.3, high * LEAST_SHARE)
    for forecast, rows in means.groupby(level="forecast", sort=False):
        visible, name = rows.clip(lower=low), str(forecast)
        axes.plot(
            visible["mean_predicted"],
            visible["mean_actual"],
            marker=SIGNS[name],
            markersize=4,
            linewidth=1.2,
            color=page[COLOURS[name]],
            clip_on=False,
        )
    axes.plot([low, high], [low, high], color=page["ink"], linewidth=0.8, linestyle=":")
    axes.set(xscale="log", yscale="log", xlim=(low, high * 1.3), ylim=(low, high * 1.3))
    ticks = money_ticks(low, high * 1.3, currency, 4.5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([*ticks], [*ticks.values()])
        axis.set_ticks([], minor=True)
    axes.grid()
    axes.set_xlabel("mean predicted of a tenth of the customers")
    axes.set_ylabel("mean actual")
    axes.set_title("Calibration by tenth of the customers")
