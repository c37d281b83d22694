"""The picture of a drift alert: calibration out-of-time at training, and now."""

from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd

from ml.alerts.facts import DriftFacts
from ml.home.files import place_atomically

matplotlib.use("Agg")

import matplotlib.pyplot as plt


def draw_alert(facts: DriftFacts, path: Path) -> None:
    """Calibration by decile, out-of-time at training and now."""
    deciles = facts.segments[facts.segments["segment_kind"] == "prediction decile"]
    now = pd.DataFrame(
        {
            "decile": deciles["segment"].astype(int),
            "mean_predicted": deciles["predicted_total"] / deciles["customers"],
            "mean_actual": deciles["actual_total"] / deciles["customers"],
        }
    )
    then = pd.DataFrame(facts.baseline.get("calibration", []))
    periods = {} if then.empty else {f"at training (window after {_first(facts.baseline)})": then}
    periods[f"now (window after {facts.batch.cutoff})"] = now.sort_values("decile")
    place_atomically(path, lambda part: _draw_calibration(periods, part))


def _first(baseline: dict[str, Any]) -> str:
    return str((baseline.get("cutoffs") or [""])[0])


def _draw_calibration(periods: dict[str, pd.DataFrame], path: Path) -> None:
    """Mean predicted and actual money by tenth of the customers, a panel for each period.

    periods: title -> decile (1 = highest predicted), mean_predicted, mean_actual.
    """
    size = (5.2 * len(periods), 3.8)
    figure, panels = plt.subplots(
        1, len(periods), figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    for axes, (title, deciles) in zip(panels[0], periods.items(), strict=True):
        visible = deciles[["mean_predicted", "mean_actual"]].clip(lower=0.01)
        axes.bar(deciles["decile"], visible["mean_actual"], color="#9fc5e8", label="actual")
        axes.plot(
            deciles["decile"], visible["mean_predicted"], "o-", color="#cc4125", label="predicted"
        )
        axes.set_yscale("log")
        axes.set_xticks(range(1, len(deciles) + 1))
        axes.set_xlabel("tenth of the customers, 1 = highest predicted")
        axes.set_title(title, fontsize=10)
    panels[0][0].set_ylabel("mean money a customer (log scale)")
    panels[0][0].legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=100, format="png", metadata={"Software": None})
    plt.close(figure)
