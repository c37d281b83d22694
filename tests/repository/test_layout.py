"""The layout of the code: what names a module by its place goes on finding it."""

import ast
import importlib
import re
import tomllib
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
ML = REPOSITORY / "ml"
PACKAGES = sorted(path.parent for path in ML.rglob("__init__.py") if path.parent != ML)


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


def imported_by(model: Path) -> list[tuple[str, str]]:
    """Module and name of what a Python model imports from ml/."""
    return [
        (node.module, name.name)
        for node in ast.walk(ast.parse(model.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ml.")
        for name in node.names
    ]


@pytest.mark.parametrize("model", PYTHON_MODELS, ids=lambda path: path.stem)
def test_what_a_python_model_imports_is_there(model: Path):
    imported = imported_by(model)
    assert imported
    for module, name in imported:
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


@pytest.mark.parametrize("model", PYTHON_MODELS, ids=lambda path: path.stem)
def test_what_a_python_model_calls_keeps_its_errors_for_the_caller(model: Path):
    called = [getattr(importlib.import_module(module), name) for module, name in imported_by(model)]
    functions = [one for one in called if callable(one)]
    assert functions
    assert [one.__name__ for one in functions if not hasattr(one, "__wrapped__")] == []


# Packages


def floors(container: str) -> list[list[str]]:
    """The packages of a container by floor, highest first, as import-linter holds them."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = [
        contract["layers"]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers" and contract["containers"] == [container]
    ]
    return [[name.strip() for name in floor.split("|")] for floor in layers]


def picture() -> str:
    """The layered picture of the architecture page."""
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```text\n(.*?)```", text, flags=re.DOTALL)
    return found


def said_by(package: Path) -> str:
    """The docstring of a package."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    assert text is not None
    return text


def test_the_picture_of_the_packages_shows_the_floors_that_the_linter_holds():
    drawn = re.sub(r" \{.*?\}", "", picture())
    shown = [[name.strip() for name in line.split("|")] for line in drawn.splitlines()]
    assert shown == floors("ml")


def test_the_picture_shows_the_floors_inside_model():
    (inside,) = re.findall(r"model \{(.*?)\}", picture())
    shown = [[name.strip() for name in floor.split("|")] for floor in inside.split(">")]
    assert shown == floors("ml.model")


def test_the_table_of_packages_has_a_row_for_each_in_the_order_of_the_floors():
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.split("\n## The packages of ml\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]*\w[^|]* \| [^|]*\|$", section, flags=re.MULTILINE)
    assert rows == [name for floor in floors("ml") for name in floor]
    assert sorted(rows) == [path.name for path in PACKAGES if path.parent == ML]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_says_what_it_answers_imports_and_owns(package: Path):
    answer, _, rest = said_by(package).partition("\n\n")
    assert re.fullmatch(r"[A-Z].{20,}\.", answer, flags=re.DOTALL)
    assert re.search(r"\b[Ii]mports? ", rest)
    assert re.search(r"\b[Oo]wns ", rest)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_what_a_package_says_it_imports_lies_on_lower_floors(package: Path):
    levels = floors("ml.model" if package.parent == ML / "model" else "ml")
    height = {name: number for number, floor in enumerate(reversed(levels)) for name in floor}
    said = re.findall(r"[Ii]mports ((?:`\w+`(?:, | and )?)+)", said_by(package))
    named = re.findall(r"`(\w+)`", " ".join(said))
    assert [name for name in named if height[name] >= height[package.name]] == []
