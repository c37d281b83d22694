"""Delivered files: what counts once, what is refused and why, what cannot be read."""

import gzip
import random
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from conftest import REPOSITORY, EngineHome, frame, home_at, line

from ml.delivery.load import load_files
from ml.home.config import load_config
from ml.home.errors import CallError, DataNotReadyError
from ml.home.layout import Home
from ml.life import commands

MakeHome = Callable[..., EngineHome]
DAY = date(2011, 7, 1)
HEADER = "customer_id,order_id,order_ts,product_id,quantity,unit_price\n"
LINE = "C1,O1,2011-07-01 10:00:00,P1,2,3.5\n"
LONG_ID = "x" * 5000
ONLINE_RETAIL = REPOSITORY.parent / "shared" / "data" / "online_retail_ii"
TAKEN_IDS = [
    "007",
    "Zoë-Ünïcødé-客户-🛒",
    LONG_ID,
    "Robert'); drop table x;--",
    " padded ",
    "0",
    "-1",
]
# cells of (customer_id, order_ts, quantity, unit_price) by the reason they are refused for
REFUSED = {
    "missing customer_id": [
        *((text, "2011-07-01", "1", "2") for text in ("", " ", "NA", "n/a", "NaN", "null", "None")),
    ],
    "unreadable ordered_at": [("R", "01.07.2011", "1", "2"), ("R", "2011-02-30", "1", "2")],
    "missing ordered_at": [("R", "", "1", "2")],
    "unreadable quantity": [
        *(("R", "2011-07-01", text, "2") for text in ("nan", "inf", "-inf", "1e400", "two", "1,5")),
    ],
    "unreadable unit_price": [("R", "2011-07-01", "1", text) for text in ("NaN", "2 each", "1e40")],
    "missing amount": [("R", "2011-07-01", "", "2"), ("R", "2011-07-01", "1", "")],
    "amount out of range": [("R", "2011-07-01", "9e9", "9e12")],
    # barcodes that were scanned into the quantity
    "quantity out of range": [
        *(("R", "2011-07-01", text, "2") for text in ("7612345678901", "-4006381333931", "1e10")),
    ],
    "amount too small": [("R", "2011-07-01", text, "0.001") for text in ("0.001", "-0.01")],
    "negative unit_price": [("R", "2011-07-01", "1", "-0.01")],
    "ordered_at before 1970": [("R", "1900-01-01", "1", "2"), ("R", "1970-01-01", "1", "2")],
    # the last two: the end of what a timestamp can hold, after which there is no next day
    "ordered_at in the future": [
        *(("R", text, "1", "2") for text in ("2999-12-31", "294247-01-10 04:00:54", "infinity")),
    ],
}


def refused_lines() -> pd.DataFrame:
    """Every cell of REFUSED as text, and a line for each of TAKEN_IDS."""
    cells = [cell for group in REFUSED.values() for cell in group]
    cells += [(customer, "2011-07-01 09:00:00", "1", "2") for customer in TAKEN_IDS]
    cells += [("ZERO", "2011-07-01", "1", "0"), ("RETURN", "2011-07-01", "-1", "2")]
    return pd.DataFrame(
        [
            (customer, f"O{number}", moment, "P1", quantity, price)
            for number, (customer, moment, quantity, price) in enumerate(cells)
        ],
        columns=["customer_id", "order_id", "order_ts", "product_id", "quantity", "unit_price"],
    )


def overlapping_lines(seed: int) -> list[pd.DataFrame]:
    """Three files that hold the same few lines, each file some of them several times."""
    draw = random.Random(seed)
    lines = [line(f"OVER-{n}", date(2011, 6, 1 + n % 4), price=1 + n % 3) for n in range(12)]
    return [frame(draw.choices(lines, k=40)) for _ in range(3)]


def counted_once(files: list[pd.DataFrame]) -> Counter[tuple[str, int]]:
    """(customer, amount in cents) to the largest number of times that one file holds it."""
    most: Counter[tuple[str, int]] = Counter()
    for lines in files:
        cents = (lines["quantity"] * lines["unit_price"] * 100).astype(int)
        most |= Counter(zip(lines["customer_id"], cents, strict=True))
    return most


# One load of many files


@pytest.fixture(scope="module")
def messy_home(tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """All kinds of files in one home of a shop in London, loaded once."""
    home = home_at(
        tmp_path_factory.mktemp("messy") / "home", timezone="Europe/London", max_rejected_share="1"
    )
    first, second, third = overlapping_lines(1)
    home.deliver(first, "overlap_1.csv")
    home.deliver(second, "overlap_2.csv.gz")
    home.deliver(third, "overlap_3.parquet")
    shutil.copy(home.raw / "overlap_1.csv", home.raw / "overlap_1_again.csv")
    home.deliver(refused_lines(), "refused.csv")
    # a line that cannot be dated, delivered in two files
    home.deliver(frame([line("UNDATED", DAY)]).assign(order_ts="soon"), "undated_1.csv")
    home.deliver(frame([line("UNDATED", DAY)]).assign(order_ts="soon", extra=1), "undated_2.csv")
    floats = frame([line("x", DAY), line("y", DAY), line("z", DAY, price=float("inf"))])
    home.deliver(floats.assign(customer_id=[12345.0, 1.5, 2.0]), "floats.parquet")
    instants = frame([line("TZ-AWARE", DAY, time="23:30:00")])
    home.deliver(instants.assign(order_ts=instants["order_ts"].dt.tz_localize(UTC)), "tz.parquet")
    texts = {
        "TZ-Z": "2011-07-01T23:30:00Z",
        "TZ-OFFSET": "2011-07-01 18:30:00-05:00",
        "TZ-UTC": "2011-07-01 23:30:00 UTC",
        "TZ-LOCAL": "2011-07-01 23:30:00",
        "TZ-WINTER": "2011-12-31T23:30:00+00:00",
        "TZ-DAY": "2011-07-01",
    }
    home.deliver(
        frame([line(customer, DAY) for customer in texts]).assign(order_ts=list(texts.values())),
        "texts.csv",
    )
    (home.raw / "semicolons.csv").write_text(
        (HEADER + LINE).replace(",", ";").replace("C1", "SEMI")
    )
    (home.root / "load.json").write_text(home.call("load").stdout)
    return home


def test_a_line_of_two_files_counts_as_often_as_the_file_that_holds_most_of_it(
    messy_home: EngineHome,
):
    rows = messy_home.rows(
        "select customer_id, (amount * 100)::integer from staging.stg_transactions"
        " where customer_id like 'OVER-%'"
    )
    expected = counted_once(overlapping_lines(1))
    assert max(expected.values()) > 1
    assert Counter(rows) == expected


def test_the_same_bytes_under_another_name_are_loaded_once(messy_home: EngineHome):
    names = [name for (name,) in messy_home.rows("select file_name from raw.files")]
    assert "warehouse/raw/overlap_1.csv" in names
    assert "warehouse/raw/overlap_1_again.csv" not in names


def test_lines_are_refused_for_the_reason_that_applies(messy_home: EngineHome):
    rows = messy_home.rows(
        "select reason, count(*) from staging.stg_rejected_transactions"
        " where file_name like '%refused.csv' group by reason"
    )
    assert dict(rows) == {reason: len(cells) for reason, cells in REFUSED.items()}


def test_refused_lines_keep_what_could_not_be_read(messy_home: EngineHome):
    texts = messy_home.rows(
        "select unreadable from staging.stg_rejected_transactions where unreadable like 'quantity%'"
    )
    assert ("quantity=1e400",) in texts
    assert ("quantity=1,5",) in texts


def test_unusual_ids_stay_as_they_were_delivered(messy_home: EngineHome):
    rows = messy_home.rows(
        "select customer_id from staging.stg_transactions join raw.files using (file_id)"
        " where file_name like '%refused.csv' order by file_row"
    )
    assert [customer for (customer,) in rows] == [*map(str.strip, TAKEN_IDS), "ZERO", "RETURN"]


def test_whole_float_ids_lose_their_point_and_others_keep_it(messy_home: EngineHome):
    rows = messy_home.rows(
        "select customer_id from raw.transactions join raw.files using (file_id)"
        " where file_name like '%floats.parquet' order by file_row"
    )
    assert rows == [("12345",), ("1.5",), ("2",)]


def test_an_infinite_price_is_refused(messy_home: EngineHome):
    rows = messy_home.rows(
        "select customer_id, reason, unreadable from staging.stg_rejected_transactions"
        " where file_name like '%floats.parquet'"
    )
    assert rows == [("2", "unreadable unit_price", "unit_price=inf")]


@pytest.mark.parametrize(
    ("customer", "local"),
    [
        ("TZ-AWARE", datetime(2011, 7, 2, 0, 30)),
        ("TZ-Z", datetime(2011, 7, 2, 0, 30)),
        ("TZ-OFFSET", datetime(2011, 7, 2, 0, 30)),
        ("TZ-UTC", datetime(2011, 7, 2, 0, 30)),
        ("TZ-LOCAL", datetime(2011, 7, 1, 23, 30)),
        ("TZ-WINTER", datetime(2011, 12, 31, 23, 30)),
        ("TZ-DAY", datetime(2011, 7, 1)),
    ],
)
def test_instants_become_local_days_of_the_source(
    messy_home: EngineHome, customer: str, local: datetime
):
    rows = messy_home.rows(
        "select ordered_at, order_date from staging.stg_transactions"
        f" where customer_id = '{customer}'"
    )
    assert rows == [(local, local.date())]


def test_a_line_without_a_day_that_two_files_hold_is_refused_once(messy_home: EngineHome):
    rows = messy_home.rows(
        "select reason from staging.stg_rejected_transactions where customer_id = 'UNDATED'"
    )
    assert rows == [("unreadable ordered_at",)]


def test_the_delimiter_comes_from_the_header(messy_home: EngineHome):
    rows = messy_home.rows("select amount from staging.stg_transactions where customer_id = 'SEMI'")
    assert [float(amount) for (amount,) in rows] == [7.0]


def test_delivered_lines_are_accepted_refused_or_repeated(messy_home: EngineHome):
    result = messy_home.call("load").result
    assert result["files_loaded"] == result["files_removed"] == []
    ((delivered,),) = messy_home.rows("select count(*) from raw.transactions")
    ((accepted,),) = messy_home.rows("select count(*) from staging.stg_transactions")
    ((refused,),) = messy_home.rows("select count(*) from staging.stg_rejected_transactions")
    assert delivered == result["delivered"]
    assert accepted == result["accepted"]
    assert refused == sum(result["rejected"].values())
    assert delivered == accepted + refused + result["repeated"]
    assert result["repeated"] == 3 * 40 - sum(counted_once(overlapping_lines(1)).values()) + 1


def test_customer_days_are_exactly_the_accepted_lines(messy_home: EngineHome):
    ours = messy_home.rows(
        "select customer_id, activity_date, net_revenue from intermediate.int_customer_days"
        " order by all"
    )
    theirs = messy_home.rows(
        "select customer_id, order_date, sum(amount)::decimal(18, 4)"
        " from staging.stg_transactions group by all order by all"
    )
    assert ours == theirs


# Files that change


def test_a_replaced_file_replaces_its_rows_and_a_removed_one_takes_them_along(tmp_path: Path):
    home = home_at(tmp_path / "home")
    home.deliver(frame([line("KEPT", DAY), line("SHARED", DAY)]), "kept.csv")
    home.deliver(frame([line("OLD", DAY), line("SHARED", DAY)]), "replaced.csv")
    home.deliver(frame([line("GONE", DAY)]), "removed.csv")
    assert home.call("load").result["customers"] == 4
    home.deliver(frame([line("NEW", DAY)]), "replaced.csv")
    (home.raw / "removed.csv").unlink()
    (home.raw / "kept.csv").rename(home.raw / "renamed.csv")
    result = home.call("load").result
    assert result["files_loaded"] == ["warehouse/raw/replaced.csv"]
    assert sorted(result["files_removed"]) == [
        "warehouse/raw/removed.csv",
        "warehouse/raw/replaced.csv",
    ]
    days = home.rows("select customer_id from intermediate.int_customer_days order by all")
    assert days == [("KEPT",), ("NEW",), ("SHARED",)]


def test_days_of_a_later_file_are_added_to_those_that_are_there(tmp_path: Path):
    home = home_at(tmp_path / "home")
    home.deliver(frame([line("A", DAY), line("A", date(2011, 7, 3))]), "first.csv")
    home.call("load")
    # again the first day with one more line, a day between, and an older day
    home.deliver(
        frame(
            [
                line("A", DAY),
                line("A", DAY),
                line("B", date(2011, 7, 2)),
                line("C", date(2011, 1, 1)),
            ]
        ),
        "second.csv",
    )
    result = home.call("load").result
    assert (result["first_day"], result["newest_day"]) == ("2011-01-01", "2011-07-03")
    rows = home.rows(
        "select customer_id, activity_date::varchar, net_revenue::integer"
        " from intermediate.int_customer_days order by all"
    )
    assert rows == [
        ("A", "2011-07-01", 20),
        ("A", "2011-07-03", 10),
        ("B", "2011-07-02", 10),
        ("C", "2011-01-01", 10),
    ]


def test_customer_days_built_in_parts_are_those_built_at_once(
    messy_home: EngineHome, tmp_path: Path
):
    shutil.copytree(messy_home.root, tmp_path / "home")
    home = EngineHome(tmp_path / "home")
    home.database.unlink()
    home.call("load", CLV_LINES_OF_A_PART="5")
    ((parts,),) = home.rows("select count(*) from intermediate.int_days_to_build")
    assert parts > 3
    days = "select * exclude (load_id) from intermediate.int_customer_days order by all"
    assert home.rows(days) == messy_home.rows(days)


# Files that cannot be taken in


@pytest.fixture(scope="module")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """A loaded home of one line. Copy it to change it."""
    home = home_at(tmp_path_factory.mktemp("small") / "home")
    home.deliver(frame([line("C1", DAY)]), "good.csv")
    home.call("load")
    return home


MANY = HEADER + "".join(f"C{n},O{n},2011-07-01 10:00:00,P1,2,3.5\n" for n in range(3000))
PARQUET = frame([line("C1", DAY)] * 50).to_parquet()
ARCHIVE = gzip.compress(MANY.encode())
# file name, its bytes, words of the message; the error is DataNotReadyError (exit code 4)
UNREADABLE = {
    "a line cut off": ("bad.csv", (HEADER + LINE * 5 + "C1,O1").encode(), "line"),
    "a late line cut off": ("bad.csv", (MANY + LINE * 50_000 + "C1,O1").encode(), "line 53002"),
    "an open quote": ("bad.csv", (HEADER + LINE + '"C1,O1').encode(), "quote"),
    "a cut line in an archive": ("bad.csv.gz", gzip.compress((MANY + "C1,O1").encode()), "cut off"),
    "latin-1": ("bad.csv", (HEADER + "Zoë" + LINE).encode("latin-1"), "UTF-8"),
    "utf-16 without a mark": ("bad.csv", (HEADER + LINE).encode("utf-16-be"), "UTF-8"),
    "a cut archive": ("bad.csv.gz", ARCHIVE[:-500], "ended"),
    "an archive without its end": ("bad.csv.gz", ARCHIVE[:-6], "ended"),
    "no archive": ("bad.csv.gz", MANY.encode(), "gzip"),
    "no workbook": ("bad.xlsx", b"PK", "workbook"),
    "no zip archive": ("bad.zip", b"PK", "zip archive"),
    "a cut parquet": ("bad.parquet", PARQUET[: len(PARQUET) // 2], "read"),
}
# the same for CallError (exit code 2)
WRONG = {
    "one quote": ("bad.csv", b'"', "'customer_id'"),
    "a renamed column": (
        "bad.csv",
        MANY.replace("unit_price", "price", 1).encode(),
        "'unit_price'.*'price'",
    ),
    "a column in other case": (
        "bad.csv",
        MANY.replace("customer_id", "Customer_ID", 1).encode(),
        "'Customer_ID'",
    ),
    "another kind of file": ("bad.xls", b"PK", "xlsx"),
}


@pytest.mark.parametrize("kind", [*UNREADABLE, *WRONG])
def test_a_file_that_cannot_be_taken_in_is_named_and_changes_nothing(
    small_home: EngineHome, tmp_path: Path, kind: str
):
    error = DataNotReadyError if kind in UNREADABLE else CallError
    name, content, words = (UNREADABLE | WRONG)[kind]
    home = small_home.copy(tmp_path / "home")
    before = home.database.read_bytes()
    (home.raw / name).write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        commands.load(Home.resolve(str(home.root)), lambda _: None)
    assert f"warehouse/raw/{name}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert home.database.read_bytes() == before
    assert not (home.root / "warehouse" / ".build").exists()


def test_a_ragged_file_has_the_columns_of_a_plain_one(small_home: EngineHome, tmp_path: Path):
    # the index that pandas writes has no name; two columns differ in case alone
    home = small_home.copy(tmp_path / "home")
    lines = [f"{n},C{n},O{n},2011-07-01 10:00:00,P1,2,3.5,x,y" for n in range(3)]
    text = "\n".join(["," + HEADER.strip() + ",Note,note", *lines, lines[0] + ",z", ""])
    (home.raw / "ragged.csv").write_text(text)
    assert home.call("load").result["rejected"] == {"wrong number of values": 1}
    taken = home.rows(
        "select customer_id, order_id from staging.stg_transactions"
        " where file_id = (select max(file_id) from raw.files) order by file_row"
    )
    assert taken == [("C0", "O0"), ("C1", "O1"), ("C2", "O2")]


def test_lines_with_more_or_fewer_values_are_refused_and_the_others_keep_their_place(
    small_home: EngineHome, tmp_path: Path
):
    home = small_home.copy(tmp_path / "home")
    good = [LINE.replace("C1", f"C{n}") for n in range(6)]
    ragged = [LINE.strip() + ",9\n", '"C1\nC2",O1\n']
    rows = [good[0], ragged[0], good[1], good[2], ragged[1], ragged[1], *good[3:]]
    (home.raw / "ragged.csv").write_text(HEADER + "".join(rows))
    result = home.call("load").result
    assert result["delivered"] == 1 + len(rows)
    assert result["rejected"] == {"wrong number of values": 3}
    refused = home.rows(
        "select file_name, file_row, unreadable from staging.stg_rejected_transactions order by all"
    )
    assert [row for _, row, _ in refused] == [2, 5, 6]
    assert {name for name, *_ in refused} == {"warehouse/raw/ragged.csv"}
    assert refused[0][2].startswith("more values than the header (line sha256 ")
    assert refused[1][2] == refused[2][2]
    taken = home.rows(
        "select file_row, customer_id from staging.stg_transactions"
        " where file_id = (select max(file_id) from raw.files) order by file_row"
    )
    assert taken == [(1, "C0"), (3, "C1"), (4, "C2"), (7, "C3"), (8, "C4"), (9, "C5")]


@pytest.mark.parametrize(
    "zone", ["Europe/London", "America/New_York", "Pacific/Apia", "Asia/Kolkata"]
)
def test_instants_of_every_hour_of_two_years_fall_on_the_local_day_of_the_zone(
    new_home: MakeHome, zone: str
):
    """Two years of hours hold every night on which the clocks of the zone change."""
    home = new_home(timezone=zone)
    hours = pd.date_range("2011-01-01", "2012-12-31 23:00", freq="h", tz="UTC")
    lines = frame([line("C1", DAY)] * len(hours)).assign(order_ts=hours)
    home.deliver(lines, "instants.parquet")
    home.deliver(lines.assign(order_ts=hours.strftime("%Y-%m-%dT%H:%M:%SZ")), "texts.csv")
    place = Home.resolve(str(home.root))
    with duckdb.connect() as con:
        load_files(con, place, load_config(place).source)
        read = con.execute(
            "select file_id, list(ordered_at order by file_row) from raw.transactions"
            " group by file_id order by file_id"
        ).fetchall()
    expected = [hour.tz_convert(zone).tz_localize(None).to_pydatetime() for hour in hours]
    assert [moments for _, moments in read] == [expected, expected]


def test_a_file_that_cannot_be_read_is_exit_code_four(small_home: EngineHome, tmp_path: Path):
    home = small_home.copy(tmp_path / "home")
    (home.raw / "bad.csv").write_bytes((HEADER + LINE + '"C1,O1').encode())
    assert "warehouse/raw/bad.csv" in home.call("load", expect=4).message


def test_a_missing_column_is_exit_code_two(small_home: EngineHome, tmp_path: Path):
    home = small_home.copy(tmp_path / "home")
    home.deliver(frame([line("C1", DAY)]).rename(columns={"order_ts": "orderts"}), "bad.csv")
    message = home.call("load", expect=2).message
    assert "warehouse/raw/bad.csv" in message
    assert "source.columns.ordered_at" in message
    assert "'orderts'" in message


def test_a_pattern_without_a_file_is_refused(new_home: MakeHome):
    home = new_home(files="warehouse/raw/*.parquet")
    with pytest.raises(CallError, match=r"no file matches 'warehouse/raw/\*\.parquet'"):
        commands.load(Home.resolve(str(home.root)), lambda _: None)


def test_too_many_refused_lines_stop_the_load(small_home: EngineHome, tmp_path: Path):
    home = small_home.copy(tmp_path / "home")
    before = home.database.read_bytes()
    home.deliver(frame([line("NA", DAY), line("NA", DAY, order="2")]), "refused.csv")
    message = home.call("load", expect=4).message
    assert "67%" in message
    assert "missing customer_id: 2" in message
    assert "max_rejected_share" in message
    assert home.database.read_bytes() == before


# Real files


@pytest.mark.skipif(not ONLINE_RETAIL.is_dir(), reason="Online Retail II is not here")
def test_both_years_of_online_retail_are_counted_once(new_home: MakeHome):
    home = new_home(
        files=f"{ONLINE_RETAIL}/*.parquet",
        customer_id="Customer ID",
        order_id="Invoice",
        ordered_at="InvoiceDate",
        product_id="StockCode",
        quantity="Quantity",
        unit_price="Price",
        currency="GBP",
    )
    result = home.call("load").result
    assert result["repeated"] == 22_523
    assert result["accepted"] + sum(result["rejected"].values()) == 1_044_848
    assert result["delivered"] == 1_067_371
    assert set(result["rejected"]) <= {"missing customer_id", "negative unit_price"}
    assert (result["first_day"], result["newest_day"]) == ("2009-12-01", "2011-12-09")
