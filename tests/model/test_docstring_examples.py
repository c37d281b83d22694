"""The examples in the docstrings of ml/model come out as printed."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest
from conftest import REPOSITORY

MODULES = sorted(
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    for path in (REPOSITORY / "ml" / "model").rglob("*.py")
    if path.name != "__init__.py"
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES, ids=lambda name: Path(name).suffix[1:])
def test_examples_in_docstrings_come_out_as_printed(name: str):
    assert doctest.testmod(import_module(name), optionflags=FLAGS).failed == 0


def test_the_examples_are_found():
    found = [doctest.DocTestFinder().find(import_module(name)) for name in MODULES]
    assert sum(len(one.examples) for tests in found for one in tests) > 20
