"""What a command says when it fails: one line, and one JSON object where JSON was asked for."""

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import orchestrate
from ml.home.errors import CallError, DataNotReadyError, EngineError, LockHeldError
from ml.terminal.failures import Failure, failure_of

KINDS = (EngineError, CallError, LockHeldError, DataNotReadyError)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_the_engine_is_its_code_what_is_wrong_and_what_to_do(kind: type[EngineError]):
    failure = failure_of(kind("two\nlines", "mend\nit"))
    assert failure == Failure(kind.exit_code, "two lines", "mend it")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), 1, "the disk is full"),
        (RuntimeError(f"IO Error: {os.strerror(errno.ENOSPC)}\nmore"), 1, "the disk is full"),
        (KeyboardInterrupt(), 1, "you stopped the command"),
        (typer.Abort(), 1, "you stopped the command"),
        (typer.BadParameter("no\nsuch"), 2, "no such"),
        (ZeroDivisionError("by\nzero"), 1, "ZeroDivisionError: by zero"),
    ],
)
def test_a_failure_of_any_other_kind_has_words_and_a_remedy_too(
    error: BaseException, code: int, words: str
):
    failure = failure_of(error)
    assert failure.code == code
    assert words in failure.message
    assert failure.remedy
    assert "\n" not in failure.message + failure.remedy


def test_an_error_that_nobody_foresaw_says_how_to_see_where():
    assert "--debug" in failure_of(ZeroDivisionError("x")).remedy


def called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command line in this process."""
    monkeypatch.setattr(sys, "argv", ["orchestrate.py", *arguments])
    code = orchestrate.entry()
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json"],
        ["--json", "stats"],
        ["--json", "--jason", "status"],
        ["--jason", "--json", "status"],
        ["--quiet", "--json", "backtest"],
        ["--json", "status", "more"],
        ["--json", "train", "--cutoff", "soon"],
        ["--home", "/nowhere", "--json", "status"],
        ["--json", "--home=/nowhere", "status"],
        ["--json", "--home", "--debug", "status"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_under_json_is_one_json_object_beside_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
):
    code, out, err = called(monkeypatch, capsys, *arguments)
    assert code == 2
    error = json.loads(out)["error"]
    assert error["code"] == 2
    assert err == f"error: {error['message']}; {error['remedy']}\n"


@pytest.mark.parametrize(
    "arguments", [["stats"], ["--home", "--json", "status"], ["status", "--json"], ["--jso"]]
)
def test_stdout_stays_empty_where_json_was_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
):
    code, out, err = called(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_debug_before_the_command_adds_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    _, out, err = called(monkeypatch, capsys, "--json", "--debug", "--home", "/nowhere", "status")
    assert "Traceback" in err
    assert json.loads(out)["error"]["remedy"] in err.splitlines()[-1]


def test_a_failure_that_nobody_foresaw_is_json_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    def fails(*_: Any) -> None:
        raise ZeroDivisionError("nobody foresaw it")

    monkeypatch.setattr("ml.life.commands.status", fails)
    code, out, _ = called(monkeypatch, capsys, "--json", "--home", str(tmp_path), "status")
    assert code == 1
    assert json.loads(out)["error"]["message"] == "ZeroDivisionError: nobody foresaw it"


def test_the_version_is_that_of_the_project_and_names_the_commit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    code, out, err = called(monkeypatch, capsys, "--json", "--version")
    version = json.loads(out)
    assert (code, err) == (0, "")
    assert version["name"] == "house-ware-clv-engine"
    _, words, _ = called(monkeypatch, capsys, "--version", "status")  # no command is run
    assert words.startswith(f"{version['name']} {version['version']}")
    assert len(words.splitlines()) == 1
    if version["commit"] is not None:
        assert f"commit {version['commit'][:12]}" in words


def test_a_version_outside_git_has_no_commit(monkeypatch: pytest.MonkeyPatch):
    from ml.ledger import provenance

    def no_git(*_: str) -> bytes:
        raise FileNotFoundError("git")

    monkeypatch.setattr(provenance, "_git", no_git)
    version = provenance.engine_version()
    assert (version.commit, version.has_uncommitted_changes) == (None, None)
