"""The rules of this repository: every model described, keyed and built as its text says."""

import ast
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import PROJECT, REPOSITORY, EngineHome

MODELS = sorted(
    path
    for path in (PROJECT / "models").rglob("*")
    if path.suffix in {".sql", ".py"} and "__pycache__" not in path.parts
)
SQL_MODELS = [path for path in MODELS if path.suffix == ".sql"]
MACROS = sorted((PROJECT / "macros").rglob("*.sql"))
TESTS = sorted((PROJECT / "tests").rglob("*.sql"))
MODULES = sorted((REPOSITORY / "ml").rglob("*.py"))
KEY_TESTS = {"unique", "unique_combination", "unique_row_number", "row_count_is"}
# views whose key is tested on what they read: a test of their own would compute that once more
KEY_TESTED_BEFORE = {"int_training_examples", "stg_transactions"}


def name_of(path: Path) -> str:
    return path.stem


def text_of(model: Path) -> dict[str, Any]:
    """The model's entry in the yml file beside it."""
    (entry,) = yaml.safe_load(model.with_suffix(".yml").read_text(encoding="utf-8"))["models"]
    return entry


def test_names(entry: dict[str, Any]) -> set[str]:
    """Names of the data tests of a model and of its columns."""
    tests = list(entry.get("data_tests", []))
    for column in entry["columns"]:
        tests += column.get("data_tests", [])
    return {test if isinstance(test, str) else next(iter(test)) for test in tests}


test_names.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_model_has_its_text_beside_it_and_says_its_grain_first(model: Path):
    entry = text_of(model)
    assert entry["name"] == model.stem
    grain = entry["description"]
    if "marts" in model.parts:
        question, _, grain = grain.partition("\n\n")
        assert re.fullmatch(r"[A-Z][^.?!]*\?", question), question
    assert grain.startswith("One row")


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_column_of_a_model_is_described(model: Path):
    silent = [column["name"] for column in text_of(model)["columns"] if not column["description"]]
    assert silent == []


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_model_tests_its_key_or_its_number_of_rows(model: Path):
    assert test_names(text_of(model)) & KEY_TESTS or model.stem in KEY_TESTED_BEFORE


def test_every_yml_of_a_model_describes_a_model_that_exists():
    named = {path.with_suffix("") for path in MODELS}
    described = [
        path
        for path in (PROJECT / "models").rglob("*.yml")
        if "models" in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]
    assert [path for path in described if path.with_suffix("") not in named] == []


def test_columns_in_the_text_are_the_columns_that_are_built_in_their_order(
    rescored_home: EngineHome,
):
    rows = rescored_home.rows(
        "select table_name, list(column_name order by column_index) from duckdb_columns()"
        " where schema_name in ('staging', 'intermediate', 'ml', 'marts') group by table_name"
    )
    built = dict(rows)
    described = {
        model.stem: [column["name"] for column in text_of(model)["columns"]] for model in MODELS
    }
    assert set(described) <= set(built)
    differing = {
        name: (columns, built[name])
        for name, columns in described.items()
        if columns != built[name]
    }
    assert differing == {}


@pytest.mark.parametrize("model", SQL_MODELS, ids=name_of)
def test_no_model_has_a_day_of_its_own(model: Path):
    sql = re.sub(r"--.*|\{#.*?#\}", "", model.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"\b(current_date|current_timestamp|now\(|today\(|get_current)", sql)
    assert not re.search(r"'\d{4}-\d{2}-\d{2}", sql)


@pytest.mark.parametrize("model", SQL_MODELS, ids=name_of)
def test_lists_of_columns_end_with_a_comma(model: Path):
    lines = [
        line.partition("--")[0].strip()
        for line in model.read_text(encoding="utf-8").splitlines()
        if line.partition("--")[0].strip()
    ]
    bare = [
        (before, line)
        for before, line in pairwise(lines)
        if line.startswith("from ") and not before.startswith(("select", "delete", "{%"))
        if not before.endswith((",", "(", "{{"))
    ]
    assert bare == []


@pytest.mark.parametrize("macro", [*MACROS, *TESTS], ids=name_of)
def test_every_macro_and_test_begins_with_what_it_is_for(macro: Path):
    assert macro.read_text(encoding="utf-8").startswith("{#")


@pytest.mark.parametrize("test", TESTS, ids=name_of)
def test_every_test_says_when_it_fails(test: Path):
    assert test.read_text(encoding="utf-8").startswith("{# Fails when ")


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(module: Path):
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def test_python_models_are_thin():
    thick = {
        model.name: count
        for model in MODELS
        if model.suffix == ".py"
        and (count := len(model.read_text(encoding="utf-8").splitlines())) > 25
    }
    assert thick == {}


def test_the_command_line_holds_no_sql_and_no_frames():
    source = (REPOSITORY / "orchestrate.py").read_text(encoding="utf-8")
    assert not re.search(r"\b(pandas|duckdb|select )", source)
