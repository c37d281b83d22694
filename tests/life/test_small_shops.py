"""Shops with hardly any customers or purchases, from training to the matured window, in words."""

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import EngineHome, environment, frame, home_at, line
from warm import PROGRAM

FIRST, CUTOFF, LAST = date(2010, 1, 1), date(2011, 12, 31), date(2012, 6, 30)


def few_buyers(customers: int) -> pd.DataFrame:
    """Customers who order every few weeks, for very different sums."""
    draw = np.random.default_rng(8)
    lines = []
    for number in range(customers):
        day = FIRST + timedelta(days=int(draw.integers(0, 40)))
        while day <= LAST:
            price = round(float(draw.lognormal(6, 1.5)), 2)
            lines.append(line(f"C{number}", day, price=price))
            day += timedelta(days=int(draw.exponential(25)) + 1)
    return frame([*lines, line("C0", LAST)])


def nobody_returns(customers: int) -> pd.DataFrame:
    """One purchase of each customer: what they bring later is nothing, in every window."""
    draw = np.random.default_rng(8)
    days = [FIRST + timedelta(days=int(day)) for day in draw.integers(0, 900, customers)]
    lines = [line(f"C{number}", day) for number, day in enumerate(days)]
    return frame([*lines, line("LAST", LAST)])


def said(home: EngineHome, *arguments: str) -> str:
    """The words of a command that ends well and warns of nothing."""
    done = subprocess.run(
        [sys.executable, PROGRAM, "--home", str(home.root), *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, ""), arguments
    return done.stdout


def test_tune_leaves_the_windows_where_no_cell_can_be_scored(tmp_path: Path):
    home = home_at(tmp_path / "home")
    home.deliver(nobody_returns(150))
    before = home.config.read_bytes()
    grid = ("--history", "6", "--pred", "3")
    message = home.call("tune", "--cutoff", str(CUTOFF), *grid, expect=4).message
    assert "no cell can be scored" in message
    assert home.config.read_bytes() == before
    assert home.database.exists()  # what was delivered stays loaded


@pytest.mark.parametrize("lines", [few_buyers(12), few_buyers(1), nobody_returns(150)])
def test_a_small_shop_is_scored_measured_and_told_about(tmp_path: Path, lines: pd.DataFrame):
    home = home_at(tmp_path / "home")
    home.deliver(lines)
    said(home, "train", "--cutoff", str(CUTOFF))
    assert f"measured {CUTOFF}" in said(home, "run", "--cutoff", str(CUTOFF))
    ((customers, wrong),) = home.rows(
        "select count(*), count(*) filter (not coalesce(isfinite(predicted_clv)"
        " and predicted_clv_low <= predicted_clv and predicted_clv <= predicted_clv_high"
        " and probability_of_purchase between 0 and 1, false)) from marts.clv_predictions"
    )
    assert customers > 0 and wrong == 0
    assert (home.outputs / "report.html").exists()
    assert "champion" in said(home, "backtest", "--cutoff", str(CUTOFF))
    said(home, "status")
