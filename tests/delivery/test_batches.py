"""Files that are read together give the rows they give one by one."""

import gzip
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.delivery import batches
from ml.delivery.load import LoadResult, load_files
from ml.delivery.tombstones import read_tombstones, write_tombstones
from ml.home.config import Columns, Source
from ml.home.errors import CallError, EngineError
from ml.home.layout import Home

HEADER = "customer,product,date,total"
MAPPED = Columns(customer_id="customer", product_id="product", ordered_at="date", amount="total")


def day(number: int, rows: int = 7) -> list[str]:
    """Lines of a day; the customers are the same every day."""
    moment = f"2020-01-{number:02} 10:00:00"
    return [f"C{row},{row % 3}.0,{moment},{number}.{row}" for row in range(rows)]


def text(lines: list[str], end: str = "\n", header: str = HEADER) -> bytes:
    return "".join(line + end for line in [header, *lines]).encode()


def deliver(folder: Path) -> None:
    """Days as text: most of one shape, and some that are not what the others are."""
    for number in range(1, 13):
        (folder / f"{number:02}.csv").write_bytes(text(day(number)))
    (folder / "13.csv").write_bytes(text([]))
    (folder / "14.csv").write_bytes(b"")
    (folder / "15.csv").write_bytes(text(day(15)).rstrip(b"\n"))
    (folder / "16.csv").write_bytes(text(day(16), end="\r\n"))
    (folder / "17.csv").write_bytes(text([*day(17)[:3], "a,b", *day(17)[3:]]))
    (folder / "18.csv").write_bytes(text([line.replace(".0,", "x,") for line in day(18)]))
    (folder / "19.csv").write_bytes(b"Report\n" + text(day(19)))
    (folder / "20.csv.gz").write_bytes(gzip.compress(text(day(20))))
    (folder / "21.csv").write_bytes(text(["", *day(21)[:2], "", *day(21)[2:]]))
    (folder / "22.csv").write_bytes(
        text([f"{line},more" for line in day(22)], header=HEADER + ",x")
    )
    for number in (23, 24, 25, 26):
        cells = [line.split(",") for line in day(number)]
        columns = [pa.array(list(column)) for column in zip(*cells, strict=True)]
        table = pa.table(dict(zip(HEADER.split(","), columns, strict=True)))
        pq.write_table(table.slice(0, 0 if number == 24 else None), folder / f"{number}.parquet")
    for number in (27, 28):
        below = folder / f"date=2020-01-{number}"
        below.mkdir()
        lines = [f"C{row},P1.0,{row}" for row in range(3)]
        (below / "a.csv").write_bytes(text(lines, header="customer,product,total"))


def load(folder: Path, **source: Any) -> tuple[LoadResult, list[Any], list[Any], list[Any]]:
    given = {"files": ["*.*", "*/*.csv"], "columns": MAPPED} | source
    with duckdb.connect() as con:
        result = load_files(con, Home(folder), Source(**given))
        return (
            result,
            con.execute("from raw.transactions order by file_id, file_row").fetchall(),
            con.execute("from raw.files order by file_id").fetchall(),
            con.execute("from raw.forgotten_lines order by file_id").fetchall(),
        )


@pytest.mark.parametrize("forgotten", [[], ["C2"], ["C0", "C1", "C2", "C3", "C4", "C5", "C6"]])
def test_files_read_together_give_the_rows_they_give_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: list[str]
):
    deliver(tmp_path)
    if forgotten:
        home = Home(tmp_path)
        write_tombstones(home, read_tombstones(home).buried(forgotten))
    source: dict[str, Any] = {"files": ["*.csv", "*.gz", "*.parquet", "*/*.csv"]}
    together = load(tmp_path, **source)
    monkeypatch.setattr(batches, "MOST_BYTES", -1)
    alone = load(tmp_path, **source)
    assert together == alone
    result, rows, files, left_out = together
    assert len(result.files_loaded) == len(files) == 28
    assert result.files_without_rows == ["13.csv", "14.csv", "24.parquet"]
    assert len(rows) + sum(count for _, count in left_out) == 23 * 7 + 1 + 2 * 3
    if not forgotten:
        of_day = {row[5] for row in rows if row[0] == 1}
        assert of_day == {"0", "1", "2"}  # whole numbers lose their point file by file
        assert {row[5] for row in rows if row[0] == 18} == {"0x", "1x", "2x"}


def test_most_files_of_one_shape_are_read_by_one_statement(tmp_path: Path):
    assert _statements(tmp_path / "few", 7) == _statements(tmp_path / "many", 28)


def _statements(folder: Path, files: int) -> int:
    """How many statements a load of so many files takes."""
    folder.mkdir()
    for number in range(1, files + 1):
        (folder / f"{number:02}.csv").write_bytes(text(day(number)))
    statements = list[str]()

    class Counting:
        def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
            self.con = con

        def execute(self, sql: str, *values: Any) -> Any:
            statements.append(sql)
            return self.con.execute(sql, *values)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.con, name)

    with duckdb.connect() as con:
        load_files(Counting(con), Home(folder), Source(files="*", columns=MAPPED))  # type: ignore
        assert con.execute("select count(*) from raw.transactions").fetchone() == (7 * files,)
    return len(statements)


def test_a_broken_file_among_many_is_named(tmp_path: Path):
    for number in range(1, 9):
        (tmp_path / f"{number:02}.csv").write_bytes(text(day(number)))
    (tmp_path / "05.csv").write_bytes(text(day(5)) + b'"C1,')
    with pytest.raises(EngineError, match=r"05\.csv"):
        load(tmp_path, files="*")
    (tmp_path / "05.csv").write_bytes(text(day(5)) + b"C\xff,P,2020-01-01,1\n")
    with pytest.raises(EngineError, match=r"05\.csv"):
        load(tmp_path, files="*")


def test_files_without_a_mapped_column_are_named(tmp_path: Path):
    for number in range(1, 4):
        (tmp_path / f"{number:02}.csv").write_bytes(text(day(number), header="a,b,c,d"))
    with pytest.raises(CallError, match=r"01\.csv: no column 'customer'"):
        load(tmp_path, files="*")
