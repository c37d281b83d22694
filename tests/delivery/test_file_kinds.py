"""Kinds of files: each is read to its last row, what is not read is said, nothing falls over."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import REPOSITORY
from workbooks import workbook

from ml.delivery import encodings
from ml.delivery.file_kinds import ENDINGS, ending_of, kind_of
from ml.delivery.init import InitAnswer, InitOptions, init
from ml.delivery.load import LoadResult, load_files
from ml.delivery.text_layout import lines_before_header
from ml.home.config import Columns, Source
from ml.home.errors import CallError, DataNotReadyError, EngineError
from ml.home.layout import Home

CASES = REPOSITORY.parent / "shared" / "cases"
HEADER = ["customer", "invoice", "date", "total"]
ROWS = [[f"00{n}", f"I{n}", f"2020-01-{n + 1:02} 10:00:00", f"{n}.50"] for n in range(1, 10)]
EXPECTED = [(f"00{n}", f"{n}.5000") for n in range(1, 10)]
MAPPED = Columns(customer_id="customer", order_id="invoice", ordered_at="date", amount="total")


def quiet(_: str) -> None:
    pass


def text(
    rows: list[list[str]] = ROWS, delimiter: str = ",", end: str = "\n", header: Any = HEADER
) -> str:
    """Rows as a text with a header."""
    return "".join(delimiter.join(row) + end for row in [header, *rows])


@dataclass(frozen=True)
class Loaded:
    """What a load made of the files of a folder."""

    result: LoadResult
    rows: list[tuple[str, str]]
    said: list[str]
    unreadable: list[str]


def load(folder: Path, files: str | list[str] = "*", **source: Any) -> Loaded:
    """Load what a glob names in a folder; customers and amounts by file and row."""
    said: list[str] = []
    with duckdb.connect() as con:
        given = {"files": files, "columns": MAPPED} | source
        result = load_files(con, Home(folder), Source(**given), said.append)
        rows = con.execute(
            "select customer_id, amount::varchar from raw.transactions"
            " where unreadable is null order by file_id, file_row"
        ).fetchall()
        lost = con.execute(
            "select unreadable from raw.transactions where unreadable is not null"
        ).fetchall()
        (repeated,) = con.execute(
            "select count(*) from (select 1 from raw.transactions group by file_id, file_row"
            " having count(*) > 1)"
        ).fetchone() or (0,)
    assert not repeated
    return Loaded(result, rows, said, [reason for (reason,) in lost])


def made(home: Path, *files: str) -> InitAnswer:
    return init(Home(home), quiet, InitOptions(list(files)))


TYPED = [
    [f"00{n}", 1000 + n, datetime(2020, 1, n + 1, 10, 15), float(n) + 0.5] for n in range(1, 10)
]


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def json_lines() -> str:
    """ROWS as JSON: ids and moments as texts, amounts as numbers."""
    objects = (dict(zip(HEADER, [*row[:3], float(row[3])], strict=True)) for row in ROWS)
    return "".join(json.dumps(one) + "\n" for one in objects)


def parquet(rows: list[list[str]] = ROWS) -> bytes:
    packed = io.BytesIO()
    columns = list(map(list, zip(*rows, strict=True))) if rows else [[]] * len(HEADER)
    pq.write_table(
        pa.table({n: pa.array(c, pa.string()) for n, c in zip(HEADER, columns, strict=True)}),
        packed,
    )
    return packed.getvalue()


KINDS: dict[str, bytes] = {
    "a.csv": text().encode(),
    "a.CSV": text(delimiter=";").encode(),
    "a.tsv": text(delimiter="\t").encode(),
    "a.txt": text(delimiter="|").encode(),
    "a.csv.gz": gzip.compress(text().encode()),
    "a.tsv.gz": gzip.compress(text(delimiter="\t").encode()),
    "a.TXT.GZ": gzip.compress(text(delimiter=";").encode()),
    "a.parquet": parquet(),
    "a.PARQUET": parquet(),
    "a.xlsx": workbook({"Sales": [HEADER, *TYPED]}),
    "a.ndjson": json_lines().encode(),
    "a.jsonl": json_lines().encode(),
    "a.jsonl.gz": gzip.compress(json_lines().encode()),
    "a.zip": zipped({"in/a.csv": text().encode(), "__MACOSX/in/._a.csv": b"\0\5"}),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(KINDS[name])
    loaded = load(tmp_path)
    assert loaded.rows == EXPECTED
    assert not loaded.unreadable


@pytest.mark.parametrize("name", KINDS)
def test_init_finds_every_kind_in_a_folder(tmp_path: Path, name: str):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / name).write_bytes(KINDS[name])
    found = made(tmp_path / "home", str(folder))
    assert (found.row_count, found.usable, found.customers) == (9, 9, 9)
    assert found.net_revenue == 49.5


def test_a_folder_of_many_kinds_is_read_whole(tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir()
    names = ["a.csv", "b.tsv", "c.parquet", "d.xlsx", "e.ndjson", "f.zip", "g.TXT"]
    for number, name in enumerate(names):
        kind = "a" + ending_of(name)
        content = KINDS.get(kind, KINDS["a.txt"])
        (folder / name).write_bytes(content)
        if name == "f.zip":
            lines = text([[*row[:1], f"Z{number}", *row[2:]] for row in ROWS])
            (folder / name).write_bytes(zipped({"x.csv": lines.encode()}))
    (folder / "~$d.xlsx").write_bytes(b"lock")
    found = made(tmp_path / "home", str(folder))
    assert (len(found.files), found.row_count) == (7, 63)


def test_the_endings_are_known_in_one_place():
    assert all(kind_of("x" + ending) is not None for ending in ENDINGS)
    assert kind_of("x.xls") is kind_of("x.csv.zst") is kind_of("csv") is None
    assert ending_of("a.b.TSV.gz") == ".TSV.gz"


# Spreadsheets


def test_a_sheet_is_read_as_what_it_shows(tmp_path: Path):
    rows = [["Sales report"], [], HEADER, *TYPED[:2], [], ["007", 7.0, "2020-02-01", 12.3], []]
    (tmp_path / "a.xlsx").write_bytes(workbook({"S": rows}))
    with duckdb.connect() as con:
        source = Source(files="a.xlsx", columns=MAPPED)
        result = load_files(con, Home(tmp_path), source)
        read = con.execute(
            "select customer_id, order_id, ordered_at, amount::double from raw.transactions"
            " order by file_row"
        ).fetchall()
    assert read == [
        ("001", "1001", datetime(2020, 1, 2, 10, 15), 1.5),
        ("002", "1002", datetime(2020, 1, 3, 10, 15), 2.5),
        ("007", "7", datetime(2020, 2, 1), 12.3),
    ]
    assert result.reading_notes == [
        "a.xlsx: read sheet(s) S",
        "a.xlsx: 1 row(s) before the header are skipped",
    ]


def test_sheets_of_one_header_are_read_together_and_others_are_named(tmp_path: Path):
    sheets = {
        "About": [["made by", "the till"], ["on", "2020-02-01"]],
        "Jan": [HEADER, *TYPED[:4]],
        "Feb": [HEADER, *TYPED[4:]],
        "Goods": [["sku", "name", "price"], ["A", "Tea", 1]],
        "Old": [HEADER, *TYPED],
    }
    (tmp_path / "a.xlsx").write_bytes(workbook(sheets, hidden=("Old",)))
    loaded = load(tmp_path)
    assert loaded.rows == EXPECTED
    assert loaded.result.reading_notes == [
        "a.xlsx: read sheet(s) Jan, Feb",
        "a.xlsx: sheet(s) that are not read: About (other columns), Goods (other columns),"
        " Old (hidden)",
    ]


# Text


PARAMETERS = "Sales report\n\nShop;Berlin\nFrom;2020-01-01\nTo;2020-01-31\nBy;till 4\n\n"


@pytest.mark.parametrize(
    ("before", "delimiter", "skipped"),
    [
        ("Sales report\n", ",", 1),
        ("\n\n", ";", 2),
        ("sep=;\n", ";", 1),
        ("# made by a till, version 2\n# 2020-02-01\n", ",", 2),
        (PARAMETERS, ";", 7),
        ("Sales report,,,\nFrom,2020-01-01,,\n,,,\n", ",", 3),
        ('"Sales report\nof January"\n\n', "\t", 3),
        ("Shop|Berlin\n\n", "|", 2),
        ("", ",", 0),
        ("title\n" * 8, ";", 8),
        ("".join(f"Parameter {n};value {n}\n" for n in range(8)), ";", 8),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lines_before_the_header_are_skipped_and_counted(
    tmp_path: Path, before: str, delimiter: str, skipped: int, end: str, encoding: str
):
    delivered = (before + text(delimiter=delimiter)).replace("\n", end)
    (tmp_path / "a.csv").write_bytes(delivered.encode(encoding))
    loaded = load(tmp_path)
    assert loaded.rows == EXPECTED
    skipped -= end == "\r" and '"' in before  # where ends are odd, those in quotes are no ends
    expected = [f"a.csv: {skipped} line(s) before the header are skipped"] if skipped else []
    assert loaded.result.reading_notes == expected
    assert set(expected) <= set(loaded.said)


@pytest.mark.parametrize(
    "lines",
    [
        ["customer,date,total", "C1,2020-01-01,5,", "C2,2020-01-02,6,", "C3,2020-01-03,7,"],
        [",customer,date,total", "0,C1,2020-01-01,5", "1,C2,2020-01-02,5"],
        ["customer,date,total,", "C1,2020-01-01,5,", "NA,NA,NA,NA", "C1,2020-01-01,5,"],
        ["C1,2020-01-01,5", "C2,2020-01-01,6"],
        ["customer,date,total"],
        ["a,b", "x,y", "v,w"],
        ["a;b;c", "x;1,5;z"],
        [""],
        [],
    ],
)
def test_a_header_in_the_first_line_stays_the_header(lines: list[str]):
    assert lines_before_header([line + "\n" for line in lines]) == 0


@pytest.mark.parametrize("at", [1, 3, 10])
@pytest.mark.parametrize("ends", ["\n\r\n", "\r\n\n", "\r\n\r", "\r\n"])
def test_lines_that_end_in_several_ways_are_read_and_cells_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, ends: str
):
    monkeypatch.setattr(encodings, "CHUNK_BYTES", 7)
    first, second = (ends[0], ends[1:]) if ends[0] == "\n" else (ends[:2], ends[2:] or "\n")
    rows = [[*row[:1], f'"{row[1]}\r\n""x"', *row[2:]] for row in ROWS]
    lines = [",".join(row) + (first if number < at else second) for number, row in enumerate(rows)]
    (tmp_path / "a.csv").write_bytes((",".join(HEADER) + first + "".join(lines)).encode())
    assert load(tmp_path).rows == EXPECTED
    with duckdb.connect() as con:
        load_files(con, Home(tmp_path), Source(files="*.csv", columns=MAPPED))
        orders = con.execute("select order_id from raw.transactions order by file_row").fetchall()
    assert orders == [(f'I{n}\r\n"x',) for n in range(1, 10)]


def test_files_in_inner_folders_are_read_or_said(tmp_path: Path):
    folder = tmp_path / "data"
    (folder / "2020" / "01").mkdir(parents=True)
    (folder / "2020" / "01" / "a.CSV").write_text(text())
    assert made(tmp_path / "one", str(folder)).row_count == 9
    (folder / "b.csv").write_text(text(ROWS[:4]))
    found = made(tmp_path / "two", str(folder))
    assert found.row_count == 4
    assert f"{folder}: the files in folders inside it are not read, give {folder}/**/* to" in str(
        found.notes
    )


def test_words_beside_the_files_are_not_taken_for_one_and_said(tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "README.txt").write_text("These are the files of the shop,\nsince 2020.\n")
    (folder / "a.csv").write_text("x" * 50_000 + "\n" + text())
    found = made(tmp_path / "home", str(folder))
    assert found.row_count == 9
    assert f"{folder}/README.txt: is not read, it holds no table" in found.notes


def test_init_says_what_it_skipped(tmp_path: Path):
    for day in (1, 2):
        lines = PARAMETERS + text([[*row[:1], f"{row[1]}-{day}", *row[2:]] for row in ROWS], ";")
        (tmp_path / f"{day}.txt").write_text(lines)
    found = made(tmp_path / "home", str(tmp_path / "*.txt"))
    assert (found.row_count, found.customers) == (18, 9)
    assert f"{tmp_path}/1.txt and 1 more: 7 line(s) before the header are skipped" in found.notes


def test_a_total_below_the_rows_is_one_refused_line(tmp_path: Path):
    (tmp_path / "a.csv").write_text("Report\n" + text() + "Total,49.50\n")
    loaded = load(tmp_path)
    assert loaded.rows == EXPECTED
    assert len(loaded.unreadable) == 1
    assert loaded.unreadable[0].startswith("fewer values than the header")
    found = made(tmp_path / "home", str(tmp_path / "a.csv"))
    assert (found.row_count, found.usable) == (10, 9)
    assert found.refused == {"wrong number of values": 1}


def test_a_cut_line_is_named_as_the_delivered_file_counts(tmp_path: Path):
    (tmp_path / "a.csv").write_text(PARAMETERS + text(delimiter=";") + "C1;I")
    with pytest.raises(DataNotReadyError, match=r"a\.csv: line 18 is cut off"):
        load(tmp_path)


def test_json_lines_keep_numbers_as_written_and_refuse_what_is_no_object(tmp_path: Path):
    lines = [
        '{"customer": 7, "date": "2020-01-01", "total": 1.10}',
        '{"date": "2020-01-01", "total": 0.3, "customer": "007", "more": {"a": [1]}}',
        "",
        "no json",
        '{"customer": null, "date": "2020-01-01", "total": 5}',
    ]
    (tmp_path / "a.ndjson").write_text("\n".join(lines) + "\n")
    mapped = Columns(customer_id="customer", ordered_at="date", amount="total")
    loaded = load(tmp_path, columns=mapped)
    assert loaded.rows == [("7", "1.1000"), ("007", "0.3000"), (None, "5.0000")]
    assert len(loaded.unreadable) == 1


# Nothing in it


EMPTY = {
    "b.parquet": parquet([]),
    "b.csv": text([]).encode(),
    "c.csv": b"",
    "d.csv": b"\xef\xbb\xbf",
    "e.csv": b"No sales on this day\n",
    "f.csv.gz": gzip.compress(b""),
    "g.xlsx": workbook({"S": []}),
    "h.xlsx": workbook({"S": [HEADER]}),
    "i.ndjson": b"\n",
    "j.txt": b"\n\n",
    "k.zip": zipped({"a.csv": text([]).encode()}),
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_part_is_skipped_and_said(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(EMPTY[name])
    with pytest.raises(DataNotReadyError, match="no row") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)
    (tmp_path / "z.csv").write_text(text())
    loaded = load(tmp_path)
    assert loaded.rows == EXPECTED
    shown = f"{name}/a.csv" if name.endswith(".zip") else name
    assert loaded.result.files_without_rows == [shown]
    assert f"{shown}: holds no rows, skipped" in loaded.said
    found = made(tmp_path / "home", str(tmp_path / name), str(tmp_path / "z.csv"))
    assert found.row_count == 9
    assert f"1 file(s) hold no rows and are skipped: {tmp_path}/{shown}" in found.notes


def test_a_single_line_without_a_header_is_not_taken_for_an_empty_file(tmp_path: Path):
    (tmp_path / "a.csv").write_text(text())
    (tmp_path / "b.csv").write_text(",".join(ROWS[0]) + "\n")
    with pytest.raises(CallError, match=r"b\.csv: no column"):
        load(tmp_path)


# Parquet


def test_bytes_are_text_and_an_odd_type_is_refused_by_line(tmp_path: Path):
    plain = {"customer": ["C1"], "invoice": ["I"], "date": ["2020-01-01"], "total": ["5"]}
    pq.write_table(pa.table(plain), tmp_path / "a.parquet")
    as_bytes = {name: pa.array([cells[0].encode()]) for name, cells in plain.items()}
    as_bytes["invoice"] = pa.array([b"J"])
    pq.write_table(pa.table(as_bytes), tmp_path / "b.parquet")
    loaded = load(tmp_path)
    assert loaded.rows == [("C1", "5.0000")] * 2
    broken = as_bytes | {"customer": pa.array([b"\xff"])}
    pq.write_table(pa.table(broken), tmp_path / "b.parquet")
    assert load(tmp_path).rows == [("C1", "5.0000"), (r"\xFF", "5.0000")]


ODD: dict[str, str] = {
    "uuid": "'11111111-2222-3333-4444-555555555555'::uuid",
    "interval": "interval 3 days",
    "list": "[1, 2]",
    "struct": "{'a': 1}",
    "map": "map {'a': 1}",
    "enum": "'x'::enum('x', 'y')",
    "time": "time '12:00'",
    "json": "'{}'::json",
    "hugeint": "17::hugeint",
    "bit": "'101'::bit",
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("column", ["customer", "date", "total"])
def test_no_type_of_a_parquet_column_stops_a_load(tmp_path: Path, kind: str, column: str):
    cells = {"customer": "'C1'", "invoice": "'I'", "date": "'2020-01-01'", "total": "'5'"}
    cells[column] = ODD[kind]
    selected = ", ".join(f"{sql} as {name}" for name, sql in cells.items())
    duckdb.sql(f"copy (select {selected}) to '{tmp_path}/a.parquet'")
    loaded = load(tmp_path)
    assert len(loaded.rows) + len(loaded.unreadable) == 1
    if column == "customer":
        assert len(loaded.rows) == 1
        assert kind != "uuid" or UUID(loaded.rows[0][0])


def test_a_column_named_as_the_row_number_of_the_database_is_a_column(tmp_path: Path):
    table = {"customer": ["C1", "C2"], "file_row_number": ["2020-01-01"] * 2, "total": [1, 2]}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    mapped = Columns(customer_id="customer", ordered_at="file_row_number", amount="total")
    assert load(tmp_path, columns=mapped).rows == [("C1", "1.0000"), ("C2", "2.0000")]


# Folders key=value


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_value_of_the_path_is_a_column_where_the_file_has_none(tmp_path: Path, kind: str):
    mapped = Columns(customer_id="customer", ordered_at="day", amount="total")
    for day in ("2020-01-05", "2020-01-06", "__HIVE_DEFAULT_PARTITION__"):
        folder = tmp_path / f"day={day}"
        folder.mkdir()
        table = pa.table({"customer": ["C1", "C2"], "total": [1, 2]})
        if kind == "csv":
            (folder / "part.csv").write_text("customer,total\nC1,1\nC2,2\n")
        else:
            pq.write_table(table, folder / "part.parquet")
    loaded = load(tmp_path, "*/*", columns=mapped)
    assert loaded.rows == [("C1", "1.0000"), ("C2", "2.0000")] * 3
    assert loaded.result.files_with_same_bytes == {}


def test_a_path_never_covers_a_column_of_the_file(tmp_path: Path):
    for day in ("2020-01-05", "2020-01-06"):
        for name in ("total=99", "DATE=1999-01-01"):
            folder = tmp_path / day / name
            folder.mkdir(parents=True)
            rows = [[f"{name}-{day}", *ROWS[0][1:]]]
            (folder / "a.csv").write_text(text(rows))
    loaded = load(tmp_path, "*/*/*")
    assert {amount for _, amount in loaded.rows} == {"1.5000"}
    assert len(loaded.rows) == 4


def test_equal_bytes_are_read_once_and_named(tmp_path: Path):
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_text(text())
    (tmp_path / "d.zip").write_bytes(zipped({"e.csv": text().encode()}))
    loaded = load(tmp_path)
    assert loaded.rows == EXPECTED
    twins = dict.fromkeys(["b.csv", "c.csv", "d.zip/e.csv"], "a.csv")
    assert loaded.result.files_with_same_bytes == twins
    found = made(tmp_path / "home", str(tmp_path / "*.csv"))
    assert (
        f"2 file(s) have the same bytes as another and are read once: {tmp_path}/b.csv ="
        f" {tmp_path}/a.csv, {tmp_path}/c.csv = {tmp_path}/a.csv" in found.notes
    )


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
@pytest.mark.parametrize(
    ("case", "rows", "total"),
    [
        ("path-columns/dates_only_in_path", 240, 2397.60),
        ("path-columns/moment_in_file", 160, None),
        ("empty-part", 792, 62676.78),
        ("mac-lines", 792, 62676.78),
    ],
)
def test_cases_after_bug_reports_give_the_right_rows(
    tmp_path: Path, case: str, rows: int, total: float | None
):
    found = made(tmp_path / "home", str(CASES / case))
    assert (found.row_count, found.usable) == (rows, rows)
    assert total is None or round(found.net_revenue, 2) == total


# Bad input


def locked_zip() -> bytes:
    """An archive whose member says that it has a password."""
    content = bytearray(zipped({"a.csv": b"x"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


BAD = {
    "a.zip": (locked_zip(), "a.csv in it has a password"),
    "b.zip": (zipped({"a.pdf": b"x"}), "holds no file that is read"),
    "c.zip": (zipped({}), "holds no file that is read"),
    "d.zip": (zipped({"a.csv": text().encode() * 50})[:-60], "zip archive"),
    "e.zip": (zipped({"a.xlsx": b"PK"}), "a.xlsx.*workbook"),
    "a.xlsx": (b"", "workbook"),
    "b.xlsx": (text().encode(), "workbook"),
    "c.xlsx": (zipped({"x": b"y"}), "workbook"),
    "a.ndjson": (b'[{"customer": 1}]', "JSON list"),
    "b.ndjson": (text().encode(), "no line of it is a JSON object"),
    "c.ndjson": (json_lines().encode()[:-5], "cut off"),
    "d.ndjson": (b'{"customer": "\xff"}\n', "utf-8"),
    "e.jsonl.gz": (gzip.compress(json_lines().encode())[:-9], "ended"),
    "a.txt": (text().encode("utf-16")[:-1], "utf-16|truncated"),
    "f.csv": (gzip.compress(text().encode()), "gz archive"),
    "g.csv": (parquet(), "parquet"),
    "h.txt": (workbook({"S": [HEADER, *TYPED]}), "workbook"),
    "b.tsv": (b"\0" * 300, "no text in UTF-8"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("call", [load, lambda folder: made(folder / "home", str(folder / "?.*"))])
def test_a_broken_file_is_one_line_that_names_it(
    tmp_path: Path, name: str, call: Callable[[Path], object]
):
    content, words = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EngineError, match=f"(?i){words}") as caught:
        call(tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("home/*"))
