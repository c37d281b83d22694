"""The layout of the code: what names a module by its place goes on finding it."""

import ast
import importlib
import re
from pathlib import Path

import pytest
from conftest import PROJECT, REPOSITORY

from ml.home.layout import REPOSITORY as REPOSITORY_OF_THE_ENGINE
from ml.report.report import PAGES

WITH_NAMES = ("Makefile", "README.md", "docs", "schedule", "bench", "ml", "dbt_project", "tests")
TEXTS = {".py", ".sql", ".md", ".yml", ".toml", ".j2", ".example", ""}
# python -m …, or the same in a list of arguments
RUN_AS_MODULE = re.compile(r"-m[\"']?,?\s+[\"']?(ml(?:\.[a-z_]+)+)")
PYTHON_MODELS = sorted(
    path for path in (PROJECT / "models").rglob("*.py") if "__pycache__" not in path.parts
)
IGNORED = {"target", "logs", "__pycache__"}


def texts() -> dict[str, str]:
    """Every text of the repository that may name a module, by its path."""
    found = {}
    for name in WITH_NAMES:
        place = REPOSITORY / name
        for path in [place] if place.is_file() else place.rglob("*"):
            if path.is_file() and path.suffix in TEXTS and not IGNORED & set(path.parts):
                found[str(path.relative_to(REPOSITORY))] = path.read_text(encoding="utf-8")
    return found


def test_the_engine_knows_where_its_repository_is():
    assert REPOSITORY_OF_THE_ENGINE == REPOSITORY
    assert (REPOSITORY_OF_THE_ENGINE / "orchestrate.py").is_file()


def test_the_templates_of_the_report_are_beside_it():
    assert {path.suffix for path in PAGES.iterdir()} >= {".j2", ".css"}


def test_modules_that_are_run_by_name_exist():
    named = {
        (place, name) for place, text in texts().items() for name in RUN_AS_MODULE.findall(text)
    }
    assert {place for place, _ in named} >= {"Makefile", "docs/spark.md"}
    missing = [
        (place, name)
        for place, name in named
        if not (REPOSITORY / f"{name.replace('.', '/')}.py").is_file()
    ]
    assert missing == []


@pytest.mark.parametrize("model", PYTHON_MODELS, ids=lambda path: path.stem)
def test_what_a_python_model_imports_is_there(model: Path):
    imported = [
        (node.module, name.name)
        for node in ast.walk(ast.parse(model.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ml.")
        for name in node.names
    ]
    assert imported
    for module, name in imported:
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"
