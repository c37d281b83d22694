"""tune, backtest, compare, promote and challengers: what they find, write, and leave alone."""

import difflib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from conftest import CUTOFF, PAST_CUTOFF, EngineHome, transaction_log

from ml.home.dates import window_end
from ml.home.errors import CallError
from ml.home.layout import Home
from ml.terminal import messages
from ml.trials import tune
from ml.trials.training_frames import Trial
from ml.trials.tune import LEAST_CUTOFFS, Grid, Journal, feasible_grid, rank_cells

MakeHome = Callable[..., EngineHome]


# The grid


def test_cutoffs_are_common_to_all_cells_and_their_windows_end_on_or_before_the_cutoff():
    grid = feasible_grid(date(2009, 12, 1), date(2011, 11, 30), [3, 6, 9], [3, 6, 9, 12])
    assert len(grid.cutoffs) == LEAST_CUTOFFS
    longest = max(pred for _, pred in grid.cells)
    assert longest == 9
    assert all(window_end(cutoff, longest) <= date(2011, 11, 30) for cutoff in grid.cutoffs)
    assert window_end(grid.cutoffs[0], longest) == date(2011, 11, 30)


def test_a_cell_the_log_cannot_score_is_infeasible_with_a_reason():
    grid = feasible_grid(date(2009, 12, 1), date(2011, 11, 30), [3, 24], [3, 12])
    assert grid.cells == [(3, 3)]
    assert "history" in grid.infeasible[24, 3]
    assert "label windows" in grid.infeasible[3, 12]


def test_a_log_that_is_too_short_has_no_cell():
    assert feasible_grid(date(2011, 1, 1), date(2011, 6, 30), [3], [3]).cells == []


@pytest.mark.parametrize(
    ("histories", "predictions", "words"),
    [([0], [3], "--history .* 1 to 120"), ([121], [3], "--history"), ([3], [37], "--pred .* 36")],
)
def test_months_that_the_config_would_refuse_are_a_wrong_call(
    histories: list[int], predictions: list[int], words: str
):
    with pytest.raises(CallError, match=words):
        feasible_grid(date(1990, 12, 1), date(2011, 11, 30), histories, predictions)


def scores(**skills: list[float]) -> pd.DataFrame:
    """Rows of two cells, named h<history>, from their D2 at three cutoffs."""
    rows = []
    for name, values in skills.items():
        for number, value in enumerate(values):
            figures = dict.fromkeys(
                ["rmse", "mae", "r2", "spearman", "top_decile_share", "rmse_over_mean"], 1.0
            )
            rows.append(
                {"cutoff": number, "history_months": int(name[1:]), "pred_months": 3, "d2": value}
                | {"normalised_gini": 0.5, "bias": 0.1, "rival_d2": 0.4}
                | figures
            )
    return pd.DataFrame(rows)


def test_the_mean_skill_less_one_standard_error_decides():
    steady, lucky = [0.50, 0.50, 0.50], [0.40, 0.45, 0.70]
    table = rank_cells(scores(h6=lucky, h9=steady), Grid([(6, 3), (9, 3)], [], {}))
    assert table["history_months"].tolist() == [9, 6]
    assert table.loc[0, "skill"] == pytest.approx(1 - 0.5 / 0.6)
    assert table.loc[1, "skill"] > table.loc[0, "skill"]


def test_ties_go_to_normalised_gini_then_to_the_smaller_bias():
    rows = scores(h6=[0.5] * 3, h9=[0.5] * 3, h12=[0.5] * 3)
    rows.loc[rows["history_months"] == 12, "normalised_gini"] = 0.6
    rows.loc[rows["history_months"] == 9, "bias"] = -0.05
    table = rank_cells(rows, Grid([(6, 3), (9, 3), (12, 3)], [], {}))
    assert table["history_months"].tolist() == [12, 9, 6]


def test_an_infeasible_cell_is_listed_and_not_ranked():
    grid = Grid([(6, 3)], [], {(18, 12): "too few cutoffs"})
    table = rank_cells(scores(h6=[0.5] * 3), grid)
    assert table["cell_rank"].tolist()[0] == 1
    assert pd.isna(table["cell_rank"].iloc[1]) and table["reason"].iloc[1] == "too few cutoffs"


def test_a_search_that_was_killed_takes_up_its_scores_and_another_search_does_not(tmp_path: Path):
    home, trial = Home(tmp_path), Trial(date(2011, 5, 31), 6, 3)

    def must_not_run() -> dict[str, float]:
        raise AssertionError("computed again")

    assert Journal(home, "key").score(trial, lambda: {"d2": 0.5}) == {"d2": 0.5}
    assert Journal(home, "key").score(trial, must_not_run) == {"d2": 0.5}
    assert trial not in Journal(home, "other key")


# The commands


@pytest.fixture(scope="module")
def tuned_home(tmp_path_factory: pytest.TempPathFactory, trained_home: EngineHome) -> EngineHome:
    """A home on which `tune` is the first command."""
    home = EngineHome(tmp_path_factory.mktemp("tuned") / "home")
    home.config.parent.mkdir(parents=True)
    home.config.write_text(trained_home.config.read_text())
    home.deliver(transaction_log())
    (home.root / "before.yaml").write_text(home.config.read_text())
    home.call("tune", "--history", "3", "--history", "9", "--pred", "3", "--cutoff", "2012-02-29")
    return home


def test_tune_writes_a_winner_above_0_to_its_lines_and_keeps_everything_else(
    tuned_home: EngineHome,
):
    before = (tuned_home.root / "before.yaml").read_text().splitlines()
    after = tuned_home.config.read_text().splitlines()
    changed = [
        line
        for line in difflib.ndiff(before, after)
        if line.startswith("+ ") and "history_months" not in line and "pred_months" not in line
    ]
    assert changed == []
    assert len(before) == len(after)
    (cells,) = (tuned_home.outputs / "grid_search").glob("grid_search_cells_*.csv")
    best = pd.read_csv(cells).iloc[0]
    windows = f"history_months: {best.history_months:.0f}"
    assert (windows in tuned_home.config.read_text()) == (best.objective > 0)
    assert (before == after) == (best.objective <= 0)


@pytest.mark.parametrize("lead", [0.05, 0.0, -0.05])
def test_tune_keeps_the_config_where_no_cell_beats_the_rivals(
    tuned_home: EngineHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lead: float
):
    home = tuned_home.copy(tmp_path / "home")
    home.configure(r"^  history_months: \d+", "  history_months: 9")
    before = home.config.read_text()
    figures = dict.fromkeys(["rmse", "mae", "r2", "normalised_gini", "spearman"], 0.5)
    figures |= dict.fromkeys(["top_decile_share", "bias", "rmse_over_mean", "customers"], 0.1)
    score = figures | {"d2": 0.3 + lead, "rival_d2": 0.3, "pred_months": 3}
    scored = [
        score | {"cutoff": day, "history_months": months}
        for day in pd.date_range("2011-09-30", periods=3, freq="ME")
        for months in (3, 6)
    ]
    monkeypatch.setattr(tune, "_scores", lambda *_: pd.DataFrame(scored))
    answer = tune.tune(Home(home.root), lambda _: None, date(2012, 2, 29), [3, 6], [3])
    assert answer.is_written == (lead > 0)
    assert (home.config.read_text() == before) == (lead <= 0)
    assert (answer.history_months, answer.pred_months) == ((3, 3) if lead > 0 else (9, 3))
    text = messages.of_tune(answer, "USD")
    assert ("written to the config: history_months 3" in text) == (lead > 0)
    assert ("the config is unchanged (history_months 9, pred_months 3)" in text) == (lead <= 0)


def test_tune_leaves_results_and_pictures_and_no_unfinished_search(tuned_home: EngineHome):
    names = sorted(path.name for path in (tuned_home.outputs / "grid_search").iterdir())
    assert names == [
        "grid_search_cells_2012-02-29.csv",
        "grid_search_cutoffs_2012-02-29.csv",
        "grid_search_r2_2012-02-29.png",
        "grid_search_rmse_2012-02-29.png",
        "grid_search_skill_2012-02-29.png",
    ]
    rows = pd.read_csv(tuned_home.outputs / "grid_search" / names[1])
    assert rows.groupby("cutoff")["customers"].nunique().eq(1).all()


def test_backtest_reports_the_champion_and_every_rival_and_changes_no_mart(
    scored_home: EngineHome, tmp_path: Path
):
    home = scored_home.copy(tmp_path / "home")
    before = home.marts()
    result = home.call("backtest", "--cutoff", "2011-09-30", "--cutoff", "2011-11-30").result
    assert home.marts() == before
    assert list(result["means"]) == ["champion", "naive", "bg_nbd", "pareto_nbd", "xgb_rfm"]
    assert result["cutoffs"] == ["2011-09-30", "2011-11-30"]
    assert {row["rival"] for row in result["comparisons"]} == set(list(result["means"])[1:])
    assert all((home.root / name).stat().st_size for name in result["files"])


def test_a_backtest_whose_window_has_not_matured_says_which_day_is_missing(scored_home: EngineHome):
    outcome = scored_home.call("backtest", "--cutoff", "2012-02-29", expect=4)
    assert "2012-05-31" in outcome.message


@pytest.fixture(scope="module")
def contested_home(tmp_path_factory: pytest.TempPathFactory, scored_home: EngineHome) -> EngineHome:
    """A champion, a challenger trained after it, and a batch of both."""
    home = scored_home.copy(tmp_path_factory.mktemp("contested") / "home")
    home.call("train", "--challenger", "--cutoff", "2011-12-31")
    home.call("run", "--cutoff", PAST_CUTOFF.isoformat())
    return home


def models(home: EngineHome) -> dict[str, str]:
    return dict(home.rows("select kind, model_id from marts.champion_manifest"))


def test_a_challenger_is_scored_beside_the_champion_and_reaches_nothing_else(
    contested_home: EngineHome,
):
    challenger = models(contested_home)["challenger"]
    scored = contested_home.rows(
        f"select role, model_id from marts.clv_batches where cutoff = '{PAST_CUTOFF}'"
    )
    assert ("challenger", challenger) in scored and len(scored) == 2
    for mart in ("clv_ranked_predictions", "clv_clusters", "clv_cluster_ranking"):
        found = contested_home.rows(
            f"select count(*) from marts.{mart} where model_id = '{challenger}'"
        )
        assert found == [(0,)]
    for path in contested_home.outputs.glob("*.csv"):
        assert challenger not in path.read_text()


def test_two_models_are_compared_on_the_customers_both_score(contested_home: EngineHome):
    found = models(contested_home)
    result = contested_home.call("compare", found["train"], found["challenger"]).result
    assert set(result["models"]) == {found["train"], found["challenger"]}
    assert result["customers"] > 0
    assert {row["metric"] for row in result["differences"]} == {"d2", "mae", "rmse"}


def test_a_promoted_challenger_scores_the_next_batch(contested_home: EngineHome, tmp_path: Path):
    home = contested_home.copy(tmp_path / "home")
    challenger = models(home)["challenger"]
    ledger = home.manifest.read_bytes()
    assert home.call("promote", challenger).result["changed"]
    assert home.manifest.read_bytes().startswith(ledger)
    home.call("run", "--cutoff", CUTOFF.isoformat())
    assert home.rows(
        "select distinct model_id from marts.clv_ranked_predictions"
        f" where cutoff = '{CUTOFF}' and model_id = '{challenger}'"
    ) == [(challenger,)]
