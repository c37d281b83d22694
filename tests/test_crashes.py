"""kill -9 anywhere in run, train and tune: the next run heals, nothing is lost or doubled."""

import json
import random
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from conftest import CUTOFF, REPOSITORY, SECOND_CUTOFF, EngineHome, frame, home_at, line
from crashes import Kill, Scenario, chains, figures, survive, unkilled

CDNOW = REPOSITORY.parent / "shared" / "data" / "cdnow.parquet"
TRAIN_CUTOFF, TUNE = SECOND_CUTOFF, ("tune", "--history", "6", "--pred", "3")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crashes")


@pytest.fixture(scope="module")
def small(scored_home: EngineHome, folder: Path) -> dict[str, Scenario]:
    """run (a new file, a due batch, a matured window, an alert), train and tune on a small home."""
    ready = scored_home.copy(folder / "ready")
    # one batch is due on 2012-06-03, and the window of CUTOFF has matured
    ready.configure(r"^  last_score_cutoff:.*?(#|$)", r'  last_score_cutoff: "2012-05-20" \1')
    days = [date(2012, 4, 1), date(2012, 5, 2), date(2012, 6, 5)]
    ready.deliver(frame([line("C0001", day) for day in days]), "later.csv")
    return {
        "run": unkilled("run", ready, ["run"], folder),
        "train": unkilled("train", scored_home, ["train", "--cutoff", str(TRAIN_CUTOFF)], folder),
        "tune": unkilled("tune", scored_home, [*TUNE, "--cutoff", str(CUTOFF)], folder),
    }


def test_no_temporary_table_of_a_build_is_published(small: dict[str, Scenario]):
    assert [name for name in small["run"].after if name.startswith("main.")] == []


def test_twenty_kills_lose_and_double_nothing(small: dict[str, Scenario], folder: Path):
    draw, kills = random.Random(1), list[Kill]()
    for name, points, moments in (("run", 10, 2), ("train", 5, 1), ("tune", 2, 0)):
        aims = some_aims(small[name], points, moments, draw)
        for number, chain in enumerate(chains(aims, (4,))):
            kills += survive(small[name], chain, folder / f"{name}-{number}")
    found = figures(kills)
    print(found)
    assert found["tried"] == 20
    assert found["interrupted commits"] >= 10, found
    assert set(found["left open"]) >= {
        "side copy",
        "file half written",
        "artefact without row",
        "batch without file",
        "batch without bump",
    }, found


# The long form on CDNOW


@pytest.fixture(scope="module")
def cdnow(folder: Path) -> dict[str, Scenario]:
    """The same three commands on CDNOW: its last fortnight arrives, one batch is due."""
    home = home_at(folder / "cdnow")
    log = pd.read_parquet(CDNOW)
    is_late = log["order_ts"] >= pd.Timestamp("1998-06-16")
    home.deliver(log[~is_late], "first.parquet")
    home.call("train", "--cutoff", "1998-03-31")
    home.call("run", "--cutoff", "1998-03-31")
    ready = home.copy(folder / "cdnow-ready")
    ready.configure(r"^  last_score_cutoff:.*?(#|$)", r'  last_score_cutoff: "1998-06-16" \1')
    ready.deliver(log[is_late], "second.parquet")
    return {
        "run": unkilled("run", ready, ["run"], folder),
        "train": unkilled("train", home, ["train", "--cutoff", "1998-02-28"], folder),
        "tune": unkilled("tune", home, [*TUNE, "--cutoff", "1997-12-31"], folder),
    }


@pytest.mark.slow
@pytest.mark.skipif(not CDNOW.exists(), reason="CDNOW is not here")
@pytest.mark.parametrize(
    ("name", "points", "moments"), [("run", 60, 60), ("train", 30, 35), ("tune", 8, 7)]
)
def test_two_hundred_kills_on_cdnow_lose_and_double_nothing(
    cdnow: dict[str, Scenario], folder: Path, name: str, points: int, moments: int
):
    aims = some_aims(cdnow[name], points, moments, random.Random(2))
    kills = list[Kill]()
    for number, chain in enumerate(chains(aims, (1, 4, 6))):
        kills += survive(cdnow[name], chain, folder / f"cdnow-{name}-{number}")
        (folder / f"figures-{name}.json").write_text(json.dumps(figures(kills)))
    assert figures(kills)["interrupted commits"] >= len(aims) // 4, figures(kills)


def some_aims(scenario: Scenario, points: int, moments: int, draw: random.Random) -> list[object]:
    """Commit points, spread over the command, and random moments of it."""
    every = scenario.commit_points
    chosen = [every[(2 * n + 1) * len(every) // (2 * points)] for n in range(points)]
    return [*chosen, *sorted(draw.random() for _ in range(moments))]
