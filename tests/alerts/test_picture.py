"""The picture of an alert: it looks like the page, and nothing of it is cut off."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from ml.alerts import picture
from ml.alerts.picture import draw_calibration
from ml.report.picture_look import colours

MEANS = [140.0, 58, 40, 30, 24, 20, 16, 13, 10, 7]


def tenths(scale: float, worst: float = 6.0) -> pd.DataFrame:
    actual = [0.8 * mean for mean in MEANS[:-1]] + [worst]
    return pd.DataFrame(
        {
            # as numbers of the card are
            "decile": np.arange(1.0, 11.0),
            "mean_predicted": np.array(MEANS) * scale,
            "mean_actual": np.array(actual) * scale,
        }
    )


def drawn(tmp_path: Path, currency: str, *frames: pd.DataFrame) -> Path:
    periods = ("at training: window after 1997-09-30", "now: window after 1998-03-25")
    path = tmp_path / "alert.png"
    draw_calibration(dict(zip(periods[-len(frames) :], frames, strict=True)), currency, path)
    return path


@pytest.mark.parametrize("currency", ["USD", "XAF"])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize("periods", [1, 2])
def test_no_letter_lies_at_the_edge(tmp_path: Path, currency: str, scale: float, periods: int):
    image = plt.imread(drawn(tmp_path, currency, *[tenths(scale)] * periods))[..., :3]
    paper = [int(colours()["paper"][place : place + 2], 16) / 255 for place in (1, 3, 5)]
    edge = np.concatenate([image[:9].reshape(-1, 3), image[-9:].reshape(-1, 3)])
    sides = np.concatenate([image[:, :9].reshape(-1, 3), image[:, -9:].reshape(-1, 3)])
    assert np.abs(np.concatenate([edge, sides]) - paper).max() < 0.01


def axes_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: pd.DataFrame) -> Axes:
    monkeypatch.setattr(picture.plt, "close", lambda _: None)
    drawn(tmp_path, "EUR", rows)
    figure = plt.gcf()
    monkeypatch.undo()
    plt.close(figure)
    return figure.axes[0]


def test_money_has_its_currency_and_a_logarithmic_line_has_no_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    axes = axes_of(tmp_path, monkeypatch, tenths(1000))
    assert axes.get_xscale() == "log"
    assert [*axes.patches, *axes.containers] == []
    tenths_shown = [label.get_text() for label in axes.get_yticklabels()]
    assert tenths_shown == ["best", *map(str, range(2, 11))]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "€5K",
        "€10K",
        "€20K",
        "€50K",
        "€100K",
    ]
    shown = {line.get_label(): line for line in axes.lines}
    assert shown["predicted"].get_color() == colours()["accent"]
    assert shown["actual"].get_markeredgecolor() == colours()["actual"]
    assert list(shown["predicted"].get_xdata()) == [1000 * mean for mean in MEANS]


def test_a_tenth_that_brought_nothing_lies_at_the_edge_and_none_at_all_is_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    axes = axes_of(tmp_path, monkeypatch, tenths(1, worst=0))
    actual = next(line for line in axes.lines if line.get_label() == "actual")
    assert actual.get_xdata()[-1] == pytest.approx(axes.get_xlim()[0])
    axes = axes_of(tmp_path, monkeypatch, tenths(0, worst=0))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["€0"]
