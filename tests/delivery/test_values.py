"""What becomes of a number, a moment and an id: every row of the tables in docs/values.md."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import REPOSITORY

from ml.delivery.dbt_macros import rejection_rule
from ml.delivery.load import load_files
from ml.home.config import Columns, Source
from ml.home.layout import Home

DOC = REPOSITORY / "docs" / "values.md"
BASE = Source(
    files="log.csv",
    columns=Columns(customer_id="c", ordered_at="t", amount="a"),
    timezone="Europe/Berlin",
    max_rejected_share=1.0,
)


def table_rows(heading: str, number: int) -> list[list[str]]:
    """Cells of the n-th table below a heading of the page, code marks taken off."""
    section = DOC.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\n)+", section, flags=re.MULTILINE)
    rows = [re.findall(r"(?<=\| )(.*?)(?= \|)", line) for line in tables[number].splitlines()[2:]]
    return [[cell[1:-1] if cell.startswith("`") else cell for cell in row] for row in rows]


def becomes(folder: Path, source: Source, **cell: str) -> tuple[Any, ...]:
    """Customer, moment, amount and reason of the one line whose cells are given."""
    line = {"c": "C1", "t": "2019-01-02", "a": "1"} | cell
    quoted = ",".join('"' + text.replace('"', '""') + '"' for text in line.values())
    (folder / "log.csv").write_text(f"c,t,a\n{quoted}\n", encoding="utf-8")
    with duckdb.connect() as con:
        load_files(con, Home(folder), source)
        found = con.execute(
            "with files as (select file_id, loaded_on, currency as file_currency from raw.files)"
            f" select customer_id, ordered_at::varchar, amount::decimal(18, 2)::varchar,"
            f" {rejection_rule()} from raw.transactions inner join files using (file_id)"
        ).fetchall()
    return found[0]


def check(found: tuple[Any, ...], place: int, expected: str) -> None:
    reason = found[3]
    assert (f"refused: {reason}" if reason else found[place]) == expected


@pytest.mark.parametrize(("written", "expected"), table_rows("Numbers", 0))
def test_a_number_with_a_decimal_point_becomes(tmp_path: Path, written: str, expected: str):
    check(becomes(tmp_path, BASE, a=written), 2, expected)


@pytest.mark.parametrize(("written", "expected"), table_rows("Numbers", 1))
def test_a_number_with_a_decimal_comma_becomes(tmp_path: Path, written: str, expected: str):
    source = BASE.model_copy(update={"decimal_separator": ","})
    check(becomes(tmp_path, source, a=written), 2, expected)


@pytest.mark.parametrize(("written", "expected"), table_rows("Moments", 0))
def test_a_moment_without_a_format_becomes(tmp_path: Path, written: str, expected: str):
    check(becomes(tmp_path, BASE, t=written), 1, expected)


@pytest.mark.parametrize(("form", "written", "expected"), table_rows("Moments", 1))
def test_a_moment_with_a_format_becomes(tmp_path: Path, form: str, written: str, expected: str):
    source = BASE.model_copy(update={"timestamp_format": form})
    check(becomes(tmp_path, source, t=written), 1, expected)


@pytest.mark.parametrize(("written", "expected"), table_rows("Ids of customers", 0))
def test_an_id_becomes(tmp_path: Path, written: str, expected: str):
    check(becomes(tmp_path, BASE, c=written), 0, expected)


def test_the_page_has_at_least_sixty_rows_that_differ():
    tables = [("Numbers", 0), ("Numbers", 1), ("Moments", 0), ("Moments", 1)]
    tables.append(("Ids of customers", 0))
    rows = {(*table, *row[:-1]) for table in tables for row in table_rows(*table)}
    assert len(rows) >= 60
