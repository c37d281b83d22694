"""The metrics, asked as docs/marts.md says: an environment of their own, and one query."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import REPOSITORY, EngineHome

PAGE = REPOSITORY / "docs" / "marts.md"
LEFT_OUT = shutil.ignore_patterns("target", "logs", "__pycache__")


def section(heading: str) -> str:
    """The text below a heading of the page."""
    return PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]


def typed(script: str, checkout: Path, folder: Path) -> None:
    """A script as a person types it, whose home folder is `folder`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CLV_")}
    path = f"{Path(sys.executable).parent}:{ours['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=checkout,
        env=ours | {"HOME": str(folder), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.network
def test_a_metric_is_what_the_mart_says(scored_home: EngineHome, tmp_path: Path):
    home, checkout = scored_home.copy(tmp_path / "home"), tmp_path / "checkout"
    for folder in ("dbt_project", "ml"):
        shutil.copytree(REPOSITORY / folder, checkout / folder, ignore=LEFT_OUT)
    make, ask = re.findall(r"```\n(.*?)```", section("Metrics"), flags=re.DOTALL)
    typed(make, checkout, tmp_path)
    answer = tmp_path / "answer.csv"
    before = home.marts()
    typed(f"{ask.replace('DIR', str(home.root)).strip()} --csv {answer}", checkout, tmp_path)
    with answer.open(encoding="utf-8") as file:
        found = {row[0]: (float(row[1]), int(float(row[2]))) for row in list(csv.reader(file))[1:]}
    wanted = home.rows(
        "select value_tier, sum(predicted_clv), count(*) from marts.clv_ranked_predictions"
        " where cutoff = (select max(cutoff) from marts.clv_ranked_predictions) group by all"
    )
    assert len(wanted) > 2
    assert found == {tier: (pytest.approx(money), rows) for tier, money, rows in wanted}
    assert home.marts() == before


def test_the_calls_of_python_libraries_that_the_page_shows_work(
    scored_home: EngineHome, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(scored_home.root)
    calls = re.findall(r"^\| pandas \| `(.*)` \|$", section("Other tools"), flags=re.MULTILINE)
    for call in calls:
        frame = eval(call, {"duckdb": duckdb})
        assert len(frame) == len(scored_home.rows("from marts.clv_batches"))
    assert len(calls) == 1
