"""An error of the engine inside dbt reaches the user as it was raised: kind, words, exit code."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CUTOFF, EngineHome
from warm import Outcome, Step

from ml.home.errors import CallError, EngineError, errors_of_entry_points, kept_for_the_caller

SIDE_COPY = Step("open", "warehouse/.build/clv.duckdb")


def swapped_before_dbt(home: EngineHome, swap: Callable[[], object], *arguments: str) -> Outcome:
    """What a command says when `swap` is done after its own checks, before dbt reads the home."""
    command = home.start(*arguments)
    while command.process.is_alive() and SIDE_COPY not in command.steps:
        time.sleep(0.01)
    swap()
    return command.finish()


def test_an_artefact_swapped_during_a_run_ends_it_with_the_words_of_the_ledger(
    trained_home: EngineHome, tmp_path: Path
):
    home = trained_home.copy(tmp_path / "home")
    (artefact,) = home.manifest.parent.glob("*.joblib")
    content = artefact.read_bytes() + b"x"
    outcome = swapped_before_dbt(home, lambda: artefact.write_bytes(content), "run")
    assert outcome.code == EngineError.exit_code
    assert outcome.message.startswith(f"error: {artefact.relative_to(home.root)}: its sha256 is")


def test_a_config_spoilt_during_a_training_ends_it_as_a_wrong_config(
    trained_home: EngineHome, tmp_path: Path
):
    home = trained_home.copy(tmp_path / "home")
    arguments = ("train", "--cutoff", CUTOFF.isoformat())
    outcome = swapped_before_dbt(
        home, lambda: home.configure("history_months:", "history_month:"), *arguments
    )
    assert outcome.code == CallError.exit_code
    assert outcome.message.startswith("error: config/model_config.yaml:")
    assert "did you mean history_months?" in outcome.message


@kept_for_the_caller
def fails() -> None:
    raise CallError("wrong", "mend it")


def test_an_entry_point_raises_its_error_and_keeps_it():
    with errors_of_entry_points() as raised, pytest.raises(CallError):
        fails()
    assert [str(error) for error in raised] == ["wrong; mend it"]


def test_an_earlier_error_is_not_taken_for_that_of_a_later_build():
    with errors_of_entry_points(), pytest.raises(CallError):
        fails()
    with pytest.raises(CallError):
        fails()
    with errors_of_entry_points() as raised:
        pass
    assert raised == []
