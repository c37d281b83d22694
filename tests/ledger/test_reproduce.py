"""`reproduce`: equal to the last digit, or why not. Trains in a git repository of its own."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from checkout import Checkout
from conftest import CUTOFF, EngineHome, home_at, transaction_log
from ledger_cards import ledger_card

from ml.home.errors import CallError, EngineError
from ml.home.layout import Home
from ml.ledger import manifest
from ml.ledger.manifest import ChampionRow
from ml.ledger.reproduce import Comparison, Rebuilt, comparison, reproduce

MakeHome = Callable[..., EngineHome]
UNKNOWN_COMMIT = "f" * 40
CARD = ledger_card("OLD", code_commit=UNKNOWN_COMMIT)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    root = tmp_path_factory.mktemp("checkout") / "code"
    root.mkdir()
    return Checkout(root)


@pytest.fixture(scope="module")
def original(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """A home trained at CUTOFF from a clean commit. Copy it to change it."""
    home = home_at(tmp_path_factory.mktemp("original") / "home")
    home.deliver(transaction_log())
    checkout.call(home, "train", "--cutoff", CUTOFF.isoformat())
    return home


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The folder for temporary files, which must be empty at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def trained_model(home: EngineHome) -> ChampionRow:
    return manifest.champion(Home(home.root))


def test_a_lost_artefact_comes_back_byte_for_byte_and_the_figures_are_equal_to_the_last_digit(
    checkout: Checkout, original: EngineHome, temporary: Path, tmp_path: Path
):
    home, row = original.copy(tmp_path / "home [1]"), trained_model(original)
    manifest.artefact_path(Home(home.root), row.model_id).unlink()
    # the settings of the next training and another home's warehouse do not count
    home.configure("^  history_months: 6", "  history_months: 9")
    config = home.config.read_bytes()
    result = checkout.call(
        home,
        "reproduce",
        row.model_id,
        TMPDIR=str(temporary),
        CLV_WAREHOUSE=str(tmp_path / "nowhere.duckdb"),
    ).result
    figures = {name: row.fields[name] for name in ("baseline_rmse", "baseline_r2")}
    assert (result["equal"], result["explanations"]) == (True, [])
    assert result["manifest"] == result["rebuilt"] == figures
    assert (result["same_artefact"], result["restored"]) == (True, True)
    assert home.config.read_bytes() == config
    home.config.write_bytes(original.config.read_bytes())
    assert home.state() == original.state()
    assert home.database.read_bytes() == original.database.read_bytes()
    assert checkout.left_behind(temporary) == []


@pytest.mark.slow
def test_one_changed_row_is_exit_code_one_and_names_the_day(
    checkout: Checkout, original: EngineHome, temporary: Path, tmp_path: Path
):
    home, model_id = original.copy(tmp_path / "home"), trained_model(original).model_id
    lines = transaction_log()
    (place,) = lines.index[lines["customer_id"] == "FIRST-DAY"]
    lines.loc[place, "unit_price"] += 0.01
    home.deliver(lines)
    before = home.state()
    outcome = checkout.call(home, "reproduce", model_id, expect=1, TMPDIR=str(temporary))
    result = outcome.result
    day = lines.loc[place, "order_ts"].date().isoformat()
    assert (result["equal"], result["same_data"], result["restored"]) == (False, False, False)
    assert result["changed_days"] == {"missing": [], "extra": [], "changed": [day]}
    assert result["explanations"] == [f"the data changed: 1 day(s) changed ({day})"]
    assert outcome.stderr == ""
    assert home.state() == before
    assert checkout.left_behind(temporary) == []


def test_a_failed_training_is_one_line_and_leaves_nothing(
    checkout: Checkout, original: EngineHome, temporary: Path, tmp_path: Path
):
    home, model_id = original.copy(tmp_path / "home"), trained_model(original).model_id
    shutil.rmtree(home.raw)
    message = checkout.call(home, "reproduce", model_id, expect=1, TMPDIR=str(temporary)).message
    assert "no file matches" in message
    assert checkout.left_behind(temporary) == []


@pytest.mark.slow
def test_a_commit_with_another_lock_is_rebuilt_with_the_libraries_of_that_lock(
    checkout: Checkout, original: EngineHome, temporary: Path, tmp_path: Path
):
    home, row = original.copy(tmp_path / "home"), trained_model(original)
    lock = checkout.root / "requirements.lock"
    content = lock.read_bytes()
    try:
        # the code of today needs a library that the commit of the model did not have
        lock.write_bytes(content + b"another-library==1.0\n")
        checkout.commit()
        result = checkout.call(home, "reproduce", row.model_id, TMPDIR=str(temporary)).result
    finally:
        lock.write_bytes(content)
        checkout.commit()
    assert (result["equal"], result["changed_libraries"]) == (True, {})
    assert checkout.left_behind(temporary) == []


# What is refused before anything is built


def ledger(home: EngineHome, **fields: Any) -> Home:
    """A home whose ledger holds one model that was never trained."""
    home.deliver(pd.DataFrame({"customer_id": ["C1"]}))
    manifest.add_model(Home(home.root), CARD | fields, b"artefact")
    return Home(home.root)


def refusal(home: Home, model_id: str = "OLD") -> str:
    before = EngineHome(home.root).state()
    with pytest.raises(EngineError) as caught:
        reproduce(home, lambda _: None, model_id)
    assert EngineHome(home.root).state() == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_commit_that_git_does_not_know_is_named(new_home: MakeHome):
    assert f"commit {UNKNOWN_COMMIT} of OLD is not known to git" in refusal(ledger(new_home()))


def test_a_model_trained_outside_git_names_no_commit(new_home: MakeHome):
    assert "trained outside git" in refusal(ledger(new_home(), code_commit="none"))


def test_a_changed_card_is_named(new_home: MakeHome):
    home = ledger(new_home())
    path = manifest.card_path(home, "OLD")
    path.write_text(path.read_text().replace('"1:1"', '"1:3"'))
    assert "cards/OLD.json: missing or changed" in refusal(home)


def test_an_unknown_model_is_a_wrong_call(new_home: MakeHome):
    with pytest.raises(CallError, match="did you mean OLD"):
        reproduce(ledger(new_home()), lambda _: None, "OLB")


# What explains a difference


def compared(days: dict[str, str] | None = None, *, forgotten: int = 0, **now: Any) -> Comparison:
    """The comparison of CARD's model with one whose card differs by `now`."""
    then = {name: str(CARD[name]) for name in ("code_commit", "code_diff_sha256")}
    fields = then | {
        "model_id": "OLD",
        "training_cutoff": "2019-12-31",
        "code_dirty": now.pop("code_dirty", "false"),
        "data_fingerprint": "a",
        "library_versions": json.dumps(CARD["library_versions"]),
        "baseline_rmse": repr(CARD["baseline_rmse"]),
        "baseline_r2": repr(CARD["baseline_r2"]),
        "artefact_sha256": "0",
    }
    return comparison(ChampionRow(fields), Rebuilt(CARD | now, b"", "0"), days, forgotten)


def test_figures_are_compared_to_the_last_digit():
    assert compared().equal
    assert compared(baseline_rmse=0.3).equal is False
    assert compared(baseline_rmse=0.3).rebuilt.baseline_rmse == "0.3"
    assert compared().rebuilt.baseline_rmse == "0.30000000000000004"


def test_missing_extra_and_changed_days_are_told_apart():
    then = {"2019-12-01": "1:1", "2019-12-03": "1:1"} | {
        f"2018-01-0{n}": "1:1" for n in range(1, 8)
    }
    now = {"2019-12-01": "1:2", "2019-12-02": "1:1"}
    result = compared(then, data_days=now, data_fingerprint="b")
    days = result.changed_days
    assert days is not None
    assert (len(days.missing), days.extra, days.changed) == (
        8,
        ["2019-12-02"],
        ["2019-12-01"],
    )
    (explanation,) = result.explanations
    assert "8 day(s) missing (2018-01-01, " in explanation
    assert "and 3 more" in explanation


def test_customers_forgotten_since_are_named_as_the_cause():
    (explanation,) = compared(
        {"2019-12-01": "2:1"},
        forgotten=1,
        data_days={"2019-12-01": "1:1"},
        data_fingerprint="b",
    ).explanations
    assert explanation.startswith("the data changed: 1 customer(s) were forgotten since; 1 day(s)")


def test_changed_data_of_a_purged_card_says_that_the_days_are_not_known():
    (explanation,) = compared(None, data_fingerprint="b").explanations
    assert "card was purged" in explanation


def test_a_dirty_training_and_other_libraries_explain_a_difference():
    result = compared(
        baseline_r2=0.6, code_dirty="true", library_versions={"numpy": "2.1", "scipy": "1"}
    )
    dirty, libraries = result.explanations
    assert "uncommitted changes" in dirty
    assert libraries == "libraries differ: numpy 2.0 then, 2.1 now, scipy None then, 1 now"


def test_a_difference_without_a_cause_says_so():
    (explanation,) = compared(baseline_r2=0.6).explanations
    assert "the same" in explanation


def test_equal_figures_on_other_days_are_not_equal():
    assert compared({}, data_fingerprint="b").equal is False
