"""Hostile calls, configs, ids and file names: refused, or taken as text; nothing else moves."""

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest
from conftest import EngineHome, frame, home_at, line

import orchestrate
from ml.delivery.load import load_files
from ml.home.config import load_config
from ml.home.errors import CallError
from ml.home.layout import Home

DAY = date(2011, 7, 1)
SQL = ["'; drop schema raw cascade; --", '" or 1=1 --', "x'); attach '/tmp/stolen.db'; --"]
PATHS = ["../../etc/passwd", "..\\..\\x", "/etc/passwd", "~root", "file:///etc/passwd", "*", "."]
SHELL = ["$(touch stolen)", "`touch stolen`", "; touch stolen", "| touch stolen"]
TEMPLATES = ["{{ env_var('HOME') }}", "{% do run_query('select 1') %}", "${HOME}", "%s%s%n"]
TEXTS = [*SQL, *PATHS, *SHELL, *TEMPLATES]
CALLS = [
    *(
        ["run", "--cutoff", text]
        for text in [*TEXTS, "2011-06-30'", "2011-06-30;", "٢٠١١-٠٦-٣٠", ""]
    ),
    *(["train", "--cutoff", text] for text in SQL),
    *(["backtest", "--cutoff", text] for text in SQL),
    *(["promote", text] for text in [*TEXTS, ""]),
    *(["compare", text, text] for text in SQL),
    *(["reproduce", text] for text in [*SQL, *PATHS]),
    *(["tune", "--pred", text] for text in ["1; drop", "0x10", "1e3"]),
]
HOMES = [*SQL, "../../nowhere", "/etc/passwd", "file:///etc", *SHELL, *TEMPLATES, "", " "]
# a line of the config, and what takes its place
CONFIGS = [
    (r"^  files: .*", "  files: '*.csv; drop'"),
    (r"^  files: .*", "  files: ../../../../../../etc/pass*d"),
    (r"^  files: .*", "  files: ''"),
    (r"^  files: .*", "  files: 's3://bucket/x.parquet'"),
    (r"^  files: .*", "  files: 'https://example.com/x.csv'"),
    (r"^  timezone: UTC", '  timezone: "UTC\'; drop schema raw cascade; --"'),
    (r"^  timezone: UTC", "  timezone: ../../etc/localtime"),
    (r"^  currency: USD", "  currency: US$"),
    (r"^  currency: USD", "  currency: !!python/object/apply:os.system [touch stolen]"),
    (r"^  currency: USD", "  currency: !!python/name:os.system"),
    (r"^  currency: USD", "  currency: !include /etc/passwd"),
    (r"^  currency: USD", "  currency: &a USD"),
    (r"^training:", "x: &a [&b [*b]]\ntraining:"),
    (r"^training:", "<<: {a: 1}\ntraining:"),
    (r"^  history_months: 6", "  history_months: 1); drop table x"),
    (r"^  history_months: 6", "  history_months: 999999999999999999999"),
    (r"^  history_months: 6", "  history_months: .inf"),
    (r"^  pred_months: 3", "  pred_months: -1"),
    (r"^  last_score_cutoff:", '  last_score_cutoff: "2011-01-01\'; --"'),
    (r"^  value_tiers: .*", "  value_tiers: ['1) --']"),
    (r"^  value_tiers: .*", "  value_tiers: [.nan]"),
    (r"^  drift_threshold_rmse: 0.20", "  drift_threshold_rmse: 0.2 or true"),
]
NAMES = [
    "it's.csv",
    'a".csv',
    "a;drop table raw.files;--.csv",
    "$(touch stolen).csv",
    "{{ 7 }}.csv".replace("{", "(").replace("}", ")"),
    "-rf.csv",
    "=cmd.csv",
    "two\nlines.csv",
    "ünï 🛒.csv",
    "%2e%2e%2f.csv",
]


@pytest.fixture
def home(tmp_path: Path) -> EngineHome:
    """A home with one delivered line, in a folder whose other files nobody may touch."""
    (tmp_path / "outside.txt").write_text("as it was")
    home = home_at(tmp_path / "home")
    home.deliver(frame([line("C1", DAY)]), "good.csv")
    return home


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and its bytes."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def customers_by_file(home: EngineHome) -> list[tuple[str, str]]:
    """Customers of a load, each with the file they came in."""
    place = Home.resolve(str(home.root))
    with duckdb.connect() as con:
        load_files(con, place, load_config(place).source)
        return con.execute(
            "select customer_id, file_name from raw.transactions join raw.files using (file_id)"
            " order by customer_id"
        ).fetchall()


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The command line in this process."""
    monkeypatch.setattr(sys, "argv", ["orchestrate.py", *arguments])
    return orchestrate.entry()


Refused = Callable[[int], None]


@pytest.fixture
def refused(
    tmp_path: Path,
    home: EngineHome,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Refused:
    """Checks that a call said one line and that nothing in or beside the home changed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLV_HOME", raising=False)
    before = everything(tmp_path)

    def check(code: int) -> None:
        said = capsys.readouterr()
        assert code == 2, said
        assert said.out == ""
        assert len(said.err.splitlines()) == 1 and said.err.startswith("error: "), said
        assert everything(tmp_path) == before

    return check


def test_at_least_fifty_payloads_are_tried():
    assert len(CALLS) + len(HOMES) + len(CONFIGS) + len(NAMES) >= 50


@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_a_hostile_argument_is_refused(
    home: EngineHome, refused: Refused, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
):
    refused(call(monkeypatch, "--home", str(home.root), *arguments))


@pytest.mark.parametrize("name", HOMES)
def test_a_hostile_home_is_refused(refused: Refused, monkeypatch: pytest.MonkeyPatch, name: str):
    refused(call(monkeypatch, "--home", name, "status"))


@pytest.mark.parametrize(("pattern", "replacement"), CONFIGS, ids=[b for _, b in CONFIGS])
def test_a_hostile_config_is_refused(
    home: EngineHome,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    replacement: str,
):
    home.configure(pattern, replacement.replace("\\", "\\\\"))
    before = everything(tmp_path)
    assert call(monkeypatch, "--home", str(home.root), "load") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1, said
    assert "config/model_config.yaml" in said[0] or "source.files" in said[0], said
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_file_name_is_a_name_and_nothing_else(
    home: EngineHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.chdir(tmp_path)
    home.deliver(frame([line("C2", DAY)]), name)
    before = everything(tmp_path)
    assert customers_by_file(home) == [
        ("C1", "warehouse/raw/good.csv"),
        ("C2", f"warehouse/raw/{name}"),
    ]
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", ["goo*.csv", "goo[d].csv", "goo?.csv", "{good}.csv", "[!g]*.csv"])
@pytest.mark.parametrize("folder", ["plain", "a[b]c", "g*", "**"])
def test_a_name_that_could_stand_for_others_is_read_as_itself(
    tmp_path: Path, folder: str, name: str
):
    home = home_at(tmp_path / folder / "home")
    home.deliver(frame([line("C1", DAY)]), "good.csv")
    home.deliver(frame([line("C2", DAY)]), name)
    assert customers_by_file(home) == [
        ("C1", "warehouse/raw/good.csv"),
        ("C2", f"warehouse/raw/{name}"),
    ]


def test_a_name_that_cannot_be_told_to_the_database_is_refused(home: EngineHome):
    home.deliver(frame([line("C2", DAY)]), "goo\\*.csv")
    place = Home.resolve(str(home.root))
    with duckdb.connect() as con, pytest.raises(CallError, match="rename it"):
        load_files(con, place, load_config(place).source)


@pytest.mark.parametrize("name", ['x"; drop table raw.files; --', "a'b", "{{ 7 }}", "select *"])
def test_a_hostile_column_name_is_a_column_or_missing(tmp_path: Path, name: str):
    home = home_at(tmp_path / "home", customer_id="'" + name.replace("'", "''") + "'")
    home.deliver(frame([line("C1", DAY)]).rename(columns={"customer_id": name}), "one.parquet")
    place = Home.resolve(str(home.root))
    with duckdb.connect() as con:
        load_files(con, place, load_config(place).source)
        assert con.execute("select customer_id from raw.transactions").fetchall() == [("C1",)]
        home.deliver(frame([line("C2", DAY)]), "other.parquet")
        with pytest.raises(CallError, match="no column"):
            load_files(con, place, load_config(place).source)
