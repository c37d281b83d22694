"""The pictures of `tune` and `backtest`: whole at any size, in the colours of the page."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ml.report.picture_look import colours
from ml.trials.backtest_picture import NAMES, draw_backtest
from ml.trials.grid_picture import TITLES, draw_grid


def paper_of_the_edge(path: Path) -> float:
    """How far the outermost pixels are from the paper of the page; 0 where nothing is cut off."""
    image = plt.imread(path)[..., :3]
    paper = [int(colours()["paper"][place : place + 2], 16) / 255 for place in (1, 3, 5)]
    sides = (image[:9], image[-9:], image[:, :9], image[:, -9:])
    return max(float(np.abs(side - paper).max()) for side in sides)


def cells(histories: tuple[int, ...], predictions: tuple[int, ...]) -> pd.DataFrame:
    rows = [
        {
            "history_months": history,
            "pred_months": pred,
            "skill": 0.1 if history > 3 else np.nan,
            "rmse": 1e7 * history + pred,
            "r2": 0.3,
        }
        for history in histories
        for pred in predictions
    ]
    return pd.DataFrame(rows[::-1])


@pytest.mark.parametrize("figure", TITLES)
@pytest.mark.parametrize("predictions", [(3,), (1, 2, 3, 6, 9, 12)])
def test_a_heat_map_is_whole_however_narrow(
    tmp_path: Path, figure: str, predictions: tuple[int, ...]
):
    path = tmp_path / "grid.png"
    table = cells((3, 6, 9), predictions)
    draw_grid(table, figure, path, currency="XAF", numbers="grid_search_cells_1997-12-31.csv")
    assert paper_of_the_edge(path) < 0.01


def test_a_heat_map_says_where_its_numbers_are_and_what_they_are_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(plt, "close", lambda _: None)
    draw_grid(cells((3, 6), (3,)), "rmse", tmp_path / "a.png", currency="EUR", numbers="cells.csv")
    figure = plt.gcf()
    monkeypatch.undo()
    plt.close(figure)
    said = " ".join(text.get_text() for text in figure.texts)
    assert "Typical error a customer (RMSE), in EUR" in said
    assert "The numbers are in cells.csv." in said.replace("\n", " ")
    assert {text.get_text() for text in figure.axes[0].texts} == {"€30,000,003", "€60,000,003"}


def test_a_backtest_is_whole(tmp_path: Path):
    days = [f"2011-{month:02d}-28" for month in range(1, 9)]
    metrics = [
        {"cutoff": day, "forecast": forecast, "d2": -0.7 if forecast == "naive" else 0.2}
        for forecast in NAMES
        for day in days
    ]
    deciles = [
        {
            "forecast": forecast,
            "decile": tenth,
            "mean_predicted": 1e9 / tenth,
            "mean_actual": actual,
        }
        for forecast in NAMES
        for tenth, actual in [*((tenth, 9e8 / tenth) for tenth in range(1, 10)), (10, 0.0)]
    ]
    tables = {"metrics": pd.DataFrame(metrics), "deciles": pd.DataFrame(deciles)}
    path = tmp_path / "backtest.png"
    draw_backtest(tables, "h6_pred3m", "XAF", path)
    assert paper_of_the_edge(path) < 0.01
