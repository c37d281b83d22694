"""Forgetting in every kind of file: rows go, or the file is refused by name before any change."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import EngineHome
from workbooks import workbook

MakeHome = Callable[..., EngineHome]
HEADER = ["customer_id", "order_id", "order_ts", "product_id", "quantity", "unit_price"]


def records(mark: str) -> list[list[str]]:
    """Lines of who is forgotten between lines of a neighbour; `mark` is in the order ids."""
    return [
        [customer, f"{mark}{number}", f"2011-08-0{number + 1} 10:00:00", "P1", "1", "2.5"]
        for number, customer in enumerate(["GONE", "STAYS", "GONE", "STAYS"])
    ]


def text(mark: str, delimiter: str, end: str) -> str:
    return "".join(delimiter.join(row) + end for row in [HEADER, *records(mark)])


def kept(content: bytes, end: bytes) -> bytes:
    """The lines without who is forgotten."""
    return b"".join(line + end for line in content.split(end)[:-1] if b"GONE" not in line)


def test_rows_go_from_every_text_and_all_else_stays_as_it_was(new_home: MakeHome):
    home = new_home(files="[warehouse/raw/*.*, warehouse/raw/*/*]")
    objects = [dict(zip(HEADER, row, strict=True)) for row in records("j")]
    title = "Sales of GONE and others\r\rcustomer_id;x\r"
    contents = {
        "a.tsv": text("a", "\t", "\n").encode(),
        "b.TXT": (title + text("b", ";", "\r")).encode(),
        "c.csv": b"Report;1\n" + text("c", ";", "\n").encode(),
        "j.ndjson": "".join(json.dumps(one) + "\n" for one in objects).encode() + b"no json\n",
    }
    for name, content in contents.items():
        (home.raw / name).write_bytes(content)
    folder = home.raw / "order_ts=2011-09-01"
    folder.mkdir()
    rows = [[*row[:2], *row[3:]] for row in [HEADER, *records("p")]]
    (folder / "p.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    assert home.call("load").result["accepted"] == 20
    answer = home.call("forget", "GONE").result
    assert sum(answer["files"].values()) == 10
    for name, content in contents.items():
        end = b"\r" if name == "b.TXT" else b"\n"
        start = title.encode() if name == "b.TXT" else b""
        expected = start + kept(content.removeprefix(start), end)
        assert (home.raw / name).read_bytes() == expected, name
    assert b"GONE" not in (folder / "p.csv").read_bytes()
    result = home.call("load").result
    # lines of a file with ragged ones are numbered by a load alone: it is loaded again
    again = ["warehouse/raw/j.ndjson"]
    assert (result["files_removed"], result["files_loaded"]) == (again, again)
    assert result["accepted"] == 10
    assert home.rows("select distinct customer_id from staging.stg_transactions") == [("STAYS",)]


@pytest.mark.parametrize("name", ["log.zip", "log.xlsx"])
def test_a_file_whose_rows_cannot_go_is_named_before_anything_changes(
    new_home: MakeHome, name: str
):
    home = new_home(files="warehouse/raw/*")
    path = home.raw / name
    if name == "log.zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("in.csv", text("z", ",", "\n"))
    else:
        path.write_bytes(workbook({"S": [HEADER, *records("x")]}))
    home.call("load")
    before = home.database.read_bytes(), path.read_bytes()
    message = home.call("forget", "GONE", expect=1).message
    assert f"warehouse/raw/{name}" in message
    assert "nothing was changed" in message
    assert (home.database.read_bytes(), path.read_bytes()) == before
    assert not (home.root / "warehouse" / "tombstones.json").exists()


def test_a_workbook_of_nobody_else_is_removed(new_home: MakeHome):
    home = new_home(files="warehouse/raw/*")
    (home.raw / "a.csv").write_text(text("a", ",", "\n"))
    gone = [row for row in records("x") if row[0] == "GONE"]
    (home.raw / "b.xlsx").write_bytes(workbook({"S": [HEADER, *gone]}))
    home.call("load")
    home.call("forget", "GONE")
    assert [path.name for path in home.raw.iterdir()] == ["a.csv"]


def test_files_that_lie_in_the_home_and_are_of_no_glob_are_searched(new_home: MakeHome):
    home = new_home(files="warehouse/raw/*.csv")
    (home.raw / "a.csv").write_text(text("a", ",", "\n"))
    (home.raw / "old.jsonl").write_text(json.dumps({"customer_id": "GONE"}) + "\n{}\n")
    home.call("load")
    home.call("forget", "GONE")
    assert Path(home.raw / "old.jsonl").read_text() == "{}\n"
