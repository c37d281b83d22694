"""Every command's answer has a schema, which follows from its dataclass and is exact."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from answers import SCHEMAS, check_answer, validator
from jsonschema import ValidationError
from typer.main import get_command

import orchestrate
from ml.terminal.schemas import ANSWERS, schema_of, write_schemas

NO_CHAMPION: dict[str, Any] = {
    "champion": None,
    "champions": 0,
    "newest_day": None,
    "next_cutoff": None,
    "last_measured": None,
    "data": {
        "delivered": 0,
        "forgotten": 0,
        "repeated": 0,
        "accepted": 0,
        "rejected": {},
        "customers": 0,
        "first_day": None,
        "newest_day": None,
        "lone_day": None,
        "lone_lines": 0,
    },
    "doubts": 0,
    "open_windows": [],
    "early_warnings": [],
    "undelivered_alerts": [],
    "beyond_data": None,
}


def test_the_schemas_of_the_documents_are_those_of_the_code(tmp_path: Path):
    write_schemas(tmp_path)
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_text() for path in SCHEMAS.iterdir()}


def test_every_command_has_a_schema():
    commands = set(get_command(orchestrate.app).commands)  # type: ignore[attr-defined]
    assert set(ANSWERS) - {"version", "error"} == commands


def objects_in(node: Any) -> list[dict[str, Any]]:
    """Every object with keys of its own in a schema."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    found = [one for value in inner for one in objects_in(value)]
    return [*found, node] if isinstance(node, dict) and "properties" in node else found


@pytest.mark.parametrize("name", ANSWERS)
def test_an_object_of_a_schema_allows_no_other_key_and_misses_none(name: str):
    objects = objects_in(schema_of(name))
    assert objects
    for one in objects:
        assert one["additionalProperties"] is False
        assert one["required"] == list(one["properties"])


def test_the_answer_of_an_empty_home_is_valid():
    check_answer(["status"], NO_CHAMPION)


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ([], "more", 1),
        (["data"], "more", 1),
        ([], "champions", "none"),
        ([], "newest_day", "2012-02-30"),
        (["data", "rejected"], "missing customer_id", "two"),
        ([], "champion", {"model_id": "M"}),
    ],
)
def test_a_key_or_value_that_the_schema_does_not_know_is_found(
    place: list[str], key: str, value: Any
):
    answer = deepcopy(NO_CHAMPION)
    node = answer
    for step in place:
        node = node[step]
    node[key] = value
    with pytest.raises(ValidationError):
        check_answer(["status"], answer)


def test_a_missing_key_is_found():
    with pytest.raises(ValidationError, match="required"):
        check_answer(["status"], {key: NO_CHAMPION[key] for key in list(NO_CHAMPION)[1:]})


def test_an_error_without_a_remedy_is_found():
    error = {"code": 2, "message": "wrong", "remedy": "mend it"}
    check_answer(["status"], {"error": error})
    with pytest.raises(ValidationError):
        check_answer(["status"], {"error": {"code": 2, "message": "wrong"}})


def test_the_version_has_a_schema_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["orchestrate.py", "--json", "--version"])
    assert orchestrate.entry() == 0
    validator("version").validate(json.loads(capsys.readouterr().out))
