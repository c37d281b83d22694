"""The doctor: what is broken is named with its remedy, and the remedy heals it."""

import fcntl
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import CUTOFF, SECOND_CUTOFF, EngineHome, environment, frame, line
from warm import PROGRAM

from ml.health import home_checks, warehouse_checks
from ml.health.doctor import CHECKS, doctor
from ml.health.findings import Examined
from ml.home.layout import Home

MakeHome = Callable[..., EngineHome]


def findings(home: EngineHome, expect: int = 0) -> dict[str, dict[str, Any]]:
    """The last finding of every check that is not ok, by check."""
    result = home.call("doctor", expect=expect).result
    assert {one["check"] for one in result["checks"]} == set(CHECKS)
    assert result["exit_code"] == expect
    return {one["check"]: one for one in result["checks"] if one["level"] != "ok"}


def typed(home: EngineHome, remedy: str) -> int:
    """Exit code of a remedy that is a command of the engine, typed as the doctor writes it."""
    words = shlex.split(remedy)
    assert words[:2] == ["python", "orchestrate.py"]
    assert words[2:4] == ["--home", str(home.root)]
    done = subprocess.run(
        [sys.executable, PROGRAM, *words[2:]],
        capture_output=True,
        env=environment(),
        check=False,
        timeout=300,
    )
    return done.returncode


def contents(home: EngineHome) -> dict[str, tuple[bytes, int]]:
    """Bytes and mode of every file of a home."""
    return {
        str(path.relative_to(home.root)): (path.read_bytes(), path.stat().st_mode)
        for path in home.root.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole_home(scored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """Trained and scored, its warehouse folder for its owner alone. Copy it to change it."""
    home = scored_home.copy(tmp_path_factory.mktemp("whole") / "home")
    (home.root / "warehouse").chmod(0o700)
    return home


@pytest.fixture
def home(whole_home: EngineHome, tmp_path: Path) -> EngineHome:
    return whole_home.copy(tmp_path / "home")


@pytest.fixture
def small_home(new_home: MakeHome) -> EngineHome:
    """Loaded, never trained."""
    home = new_home()
    home.deliver(frame([line("C1", date(2011, 7, 1)), line("C2", date(2011, 7, 2))]))
    home.call("load")
    (home.root / "warehouse").chmod(0o700)
    return home


def test_a_whole_home_has_no_finding_and_is_not_changed(whole_home: EngineHome):
    before = contents(whole_home)
    assert findings(whole_home) == {}
    assert contents(whole_home) == before


def test_an_empty_home_is_told_what_to_do_first(tmp_path: Path):
    home = EngineHome(tmp_path)
    found = findings(home, expect=2)
    assert "no such file" in found["config"]["what"]
    assert found["config"]["remedy"].startswith("mkdir -p ")
    assert found["time zone"]["level"] == "not checked"
    assert (found["warehouse"]["level"], found["champion"]["level"]) == ("warning", "warning")
    assert subprocess.run(found["config"]["remedy"], shell=True, check=False).returncode == 0
    assert "config" not in findings(home, expect=2)  # now the files are missing


def test_a_broken_config_leaves_the_other_checks_at_work(home: EngineHome):
    home.configure("history_months:", "history_month:")
    (home.root / "warehouse" / "models" / "champion_manifest.csv").write_text("gone")
    found = findings(home, expect=2)
    assert "config/model_config.yaml:" in found["config"]["what"]
    assert "did you mean history_months?" in found["config"]["what"]
    assert "header" in found["ledger"]["what"]
    assert "warehouse" not in found
    home.configure("history_month:", "history_months:")
    assert "config" not in findings(home, expect=1)


def test_a_missing_column_is_named_with_its_file(small_home: EngineHome):
    lines = frame([line("C3", date(2011, 7, 3))]).rename(columns={"unit_price": "price"})
    path = small_home.deliver(lines, "new.csv")
    found = findings(small_home, expect=2)
    assert "new.csv: no column 'unit_price'" in found["files"]["what"]
    assert "did you mean 'price'" in found["files"]["remedy"]
    small_home.deliver(lines.rename(columns={"price": "unit_price"}), "new.csv")
    found = findings(small_home)
    assert typed(small_home, found["loaded"]["remedy"]) == 0
    assert "loaded" not in findings(small_home)
    assert path.exists()


def test_a_file_that_cannot_be_read_is_bad_data(small_home: EngineHome):
    (small_home.raw / "cut.parquet").write_bytes(b"PAR1")
    assert "cut.parquet: cannot be read" in findings(small_home, expect=4)["files"]["what"]
    (small_home.raw / "cut.parquet").unlink()
    assert "files" not in findings(small_home)


def test_no_matching_file_is_a_wrong_config(small_home: EngineHome):
    small_home.configure("^  files: .*", "  files: elsewhere/*.csv")
    assert "elsewhere" in findings(small_home, expect=2)["files"]["what"]


def test_the_process_that_holds_the_lock_is_named(small_home: EngineHome):
    with (small_home.root / "warehouse" / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = findings(small_home, expect=3)
        assert f"process {os.getpid()} holds" in found["lock"]["what"]
        small_home.call("load", expect=3)
    assert "lock" not in findings(small_home)


def test_a_program_that_writes_in_the_warehouse_holds_it(small_home: EngineHome):
    with duckdb.connect(small_home.database):
        assert "another program" in findings(small_home, expect=3)["warehouse"]["what"]


def test_what_a_killed_command_left_is_swept_by_the_remedy(small_home: EngineHome):
    (small_home.outputs).mkdir()
    (small_home.outputs / ".clv.csv.part").write_text("half")
    (small_home.root / "warehouse" / ".build").mkdir()
    found = findings(small_home)["leftovers"]
    assert "2 temporary" in found["what"]
    assert typed(small_home, found["remedy"]) == 0
    assert "leftovers" not in findings(small_home)


@pytest.mark.parametrize("offset", [0, 12, None])
def test_a_damaged_warehouse_is_found_wherever_it_is_damaged(home: EngineHome, offset: int | None):
    at = block_of_predictions(home) if offset is None else offset
    content = bytearray(home.database.read_bytes())
    content[at : at + 64] = bytes(byte ^ 0xFF for byte in content[at : at + 64])
    home.database.write_bytes(content)
    found = findings(home, expect=1)
    assert "damaged" in found["warehouse"]["what"] or "newer DuckDB" in found["warehouse"]["what"]
    assert found["warehouse"]["remedy"]


def block_of_predictions(home: EngineHome) -> int:
    """Offset of bytes in a block of data; three headers of 4 kB come before the blocks."""
    ((block,),) = home.rows(
        "select min(block_id) from pragma_storage_info('marts.clv_predictions')"
        " where persistent and block_id >= 0"
    )
    return 3 * 4096 + block * 262_144 + 64


def test_a_warehouse_that_is_no_database_leaves_the_ledger_checked(home: EngineHome):
    home.database.write_text("customer_id,amount\n")
    found = findings(home, expect=1)
    assert "ledger" not in found
    assert {name for name, one in found.items() if one["level"] == "not checked"} == {
        "tables",
        "marts",
        "loaded",
        "doubts",
        "days",
        "exports",
    }


def test_a_table_that_is_missing_comes_back_by_the_remedy(home: EngineHome):
    with duckdb.connect(home.database) as con:
        con.execute("drop table ml.clv_totals")
        con.execute("drop table intermediate.int_observation_windows")
    found = findings(home, expect=1)["tables"]
    assert found["what"] == "missing: intermediate.int_observation_windows, ml.clv_totals"
    assert typed(home, found["remedy"]) == 0
    assert findings(home) == {}


@pytest.mark.parametrize(
    ("table", "remedy"),
    [
        ("staging.stg_rejected_transactions", "dbt build --selector load"),
        ("staging.stg_champion_manifest", "promote MODEL_ID of the champion"),
        ("intermediate.int_scoring_models", f"run --cutoff {SECOND_CUTOFF}"),
        ("intermediate.int_measured_load", " run"),
    ],
)
def test_a_missing_table_is_named_with_the_command_that_builds_it(
    home: EngineHome, table: str, remedy: str
):
    with duckdb.connect(home.database) as con:
        con.execute(f"drop table {table}")
    (found,) = [one for one in warehouse_checks.tables(Examined(Home(home.root))) if one.remedy]
    assert found.what == f"missing: {table}"
    assert found.remedy.endswith(remedy)


def test_an_artefact_that_is_gone_is_rebuilt_by_the_command_it_names(home: EngineHome):
    (artefact,) = (home.root / "warehouse" / "models").glob("*.joblib")
    artefact.unlink()
    found = findings(home, expect=1)
    model_id = artefact.stem.removeprefix("clv_model_")
    for check in ("ledger", "champion"):
        assert artefact.name in found[check]["what"]
        assert f"reproduce {model_id}" in found[check]["remedy"]


def test_a_changed_card_and_a_changed_artefact_are_both_named(home: EngineHome):
    models = home.root / "warehouse" / "models"
    (card,) = models.glob("cards/*.json")
    (artefact,) = models.glob("*.joblib")
    card.write_text(card.read_text() + " ")
    assert card.name in findings(home, expect=1)["ledger"]["what"]
    card.write_text(card.read_text()[:-1])
    artefact.write_bytes(artefact.read_bytes() + b" ")
    found = findings(home, expect=1)["ledger"]
    assert artefact.name in found["what"]
    assert "--restore" in found["remedy"]


def test_missing_csv_files_are_made_again_by_the_remedy(home: EngineHome):
    for path in home.outputs.glob(f"clv_clusters_{CUTOFF}*.csv"):
        path.unlink()
    found = findings(home)["exports"]
    assert "1 of 16 files are missing" in found["what"]
    assert typed(home, found["remedy"]) == 0
    assert "exports" not in findings(home)


def test_a_stopped_forget_is_completed_by_the_remedy(small_home: EngineHome):
    small_home.call("forget", "C1")
    with duckdb.connect(small_home.database) as con:
        con.execute("delete from raw.tombstones")
    found = findings(small_home)["forgotten"]
    assert typed(small_home, found["remedy"]) == 0
    assert "forgotten" not in findings(small_home)


def test_files_that_others_may_read_are_closed_by_the_remedy(home: EngineHome):
    (home.root / "warehouse").chmod(0o755)
    home.database.chmod(0o644)
    found = findings(home)["permissions"]
    assert subprocess.run(found["remedy"], shell=True, check=False).returncode == 0
    assert stat.S_IMODE((home.root / "warehouse").stat().st_mode) == 0o700
    assert "permissions" not in findings(home)


def test_channels_without_their_secret_are_named_and_secrets_never(
    small_home: EngineHome, monkeypatch: pytest.MonkeyPatch
):
    text = "alerts: {jira: {url: 'https://jira.example', project: CLV}, apprise: true}\n"
    config = small_home.config.read_text()
    small_home.config.write_text(config.partition("\nalerts:")[0] + "\n" + text)
    variables = ("CLV_JIRA_TOKEN", "CLV_APPRISE_URLS")
    for variable in variables:
        monkeypatch.delenv(variable, raising=False)
    examined = Examined(Home(small_home.root))
    remedies = [one.remedy for one in home_checks.channels(examined) if one.remedy]
    assert remedies == ["export CLV_JIRA_TOKEN=…", "export CLV_APPRISE_URLS=…"]
    for variable in variables:
        monkeypatch.setenv(variable, "secret-canary")
    assert "secret-canary" not in str(doctor(examined.home, lambda _: None))
    assert not [one for one in home_checks.channels(examined) if one.remedy]


def test_a_full_disk_is_found(small_home: EngineHome, monkeypatch: pytest.MonkeyPatch):
    size = small_home.database.stat().st_size
    examined = Examined(Home(small_home.root))
    levels = []
    for free in (size - 1, 2 * size - 1, 2 * size):
        monkeypatch.setattr(
            home_checks.shutil, "disk_usage", lambda _, free=free: type("", (), {"free": free})
        )
        levels += [one.level for one in home_checks.space(examined)]
    assert levels == ["broken", "warning", "ok"]


def test_packages_are_compared_with_the_lock(
    small_home: EngineHome, monkeypatch: pytest.MonkeyPatch
):
    def version(name: str) -> str:
        if name == "numpy":
            raise home_checks.PackageNotFoundError(name)
        return "0.0.1" if name == "scipy" else real(name)

    real = home_checks.version
    monkeypatch.setattr(home_checks, "version", version)
    missing, other = list(home_checks.libraries(Examined(Home(small_home.root))))
    assert (missing.level, missing.what) == ("broken", "not installed: numpy")
    assert other.what.startswith("not the locked versions: scipy 0.0.1 instead of ")


def test_the_lock_is_read_with_extras_markers_and_any_spelling_of_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lines = [
        "contourpy==1.3.3 ; python_full_version < '3.4' \\",
        "contourpy==1.4.0 ; python_full_version >= '3.4' \\",
        "    --hash=sha256:0123456789abcdef",
        "    # via matplotlib",
        "mashumaro[msgpack]==3.14",
        "Ruamel.YAML==0.19.1",
    ]
    (tmp_path / "requirements.lock").write_text("\n".join(lines))
    needed = ["contourpy>=1", "mashumaro[msgpack]>=3", "ruamel.yaml>=0.18", "numpy>=2"]
    (tmp_path / "pyproject.toml").write_text(f"[project]\ndependencies = {needed}\n")
    installed = {"contourpy": "1.3.3", "ruamel-yaml": "0.19.1"}

    def version(name: str) -> str:
        if name not in installed:
            raise home_checks.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(home_checks, "version", version)
    monkeypatch.setattr(home_checks, "REPOSITORY", tmp_path)
    missing, other = home_checks.libraries(Examined(Home(tmp_path)))
    assert missing.what == "not installed: mashumaro"
    assert other.what == "not the locked versions: contourpy 1.3.3 instead of 1.4.0"


def test_a_check_that_fails_is_a_finding_of_its_own(
    small_home: EngineHome, monkeypatch: pytest.MonkeyPatch
):
    def fails(_: Examined) -> list[Any]:
        raise RuntimeError("whatever")

    monkeypatch.setitem(CHECKS, "files", fails)
    answer = doctor(Home(small_home.root), lambda _: None)
    found = {one.check: one for one in answer.checks}
    assert found["files"].what == "could not be checked (RuntimeError)"
    assert set(found) == set(CHECKS)


def test_a_warehouse_that_is_a_file_is_no_traceback(new_home: MakeHome):
    home = new_home()
    home.raw.rmdir()
    home.raw.parent.rmdir()
    home.raw.parent.write_text("")
    assert "is not a folder" in findings(home, expect=1)["home"]["what"]


def test_the_terminal_shows_the_table_and_lines_to_copy(small_home: EngineHome):
    done = subprocess.run(
        [sys.executable, PROGRAM, "--home", str(small_home.root), "doctor"],
        capture_output=True,
        text=True,
        env=environment(COLUMNS="80"),
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"champion: python orchestrate.py --home {small_home.root} train" in done.stdout
    assert all(name in done.stdout for name in CHECKS)
