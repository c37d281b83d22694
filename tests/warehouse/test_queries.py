"""Queries in files: every one is asked for, and every one that is asked for is there."""

import re
from pathlib import Path

import pytest
from conftest import REPOSITORY

from ml.warehouse.queries import Queries

FOLDERS = sorted((REPOSITORY / "ml").rglob("queries"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_a_package_asks_for_every_query_it_keeps_and_for_no_other(folder: Path):
    kept = {path.stem for path in folder.glob("*.sql")}
    asked = set[str]()
    for module in folder.parent.glob("*.py"):
        source = module.read_text(encoding="utf-8")
        asked |= set(re.findall(r'QUERIES\["(\w+)"\]', source))
        asked |= set(re.findall(r'_rows\(con, "(\w+)"', source))
    assert kept
    assert asked == kept


@pytest.mark.parametrize(
    "query",
    sorted(path for folder in FOLDERS for path in folder.iterdir()),
    ids=lambda path: path.stem,
)
def test_a_query_begins_with_what_it_is_for(query: Path):
    assert query.suffix == ".sql"
    assert query.read_text(encoding="utf-8").startswith("-- ")


def test_a_query_that_is_no_file_is_an_error():
    with pytest.raises(FileNotFoundError):
        Queries(__file__)["no_such_query"]
