"""Forgetting a customer whose refunds name their order: they go with the order."""

from collections.abc import Callable

import duckdb
import pytest
from conftest import EngineHome

MakeHome = Callable[..., EngineHome]
HEADER = "customer_id,order_id,order_ts,parent,quantity,unit_price"
# of GONE are the orders 1 and 2; R1 has nobody's id, R2 that of GONE, R3 names an order of STAYS
LINES = {
    "a.csv": [
        "GONE,1,2011-08-01 10:00:00,,1,5",
        "STAYS,3,2011-08-02 10:00:00,,1,7",
        ",R1,2011-08-03 10:00:00,1,-1,2",
        "STAYS,4,2011-08-04 10:00:00,,1,9",
    ],
    "b.csv": [
        ",R3,2011-08-05 10:00:00,3,-1,2",
        "GONE,R2,2011-08-06 10:00:00,2,-1,1",
        "GONE,2,2011-08-06 09:00:00,,1,8",
        ",R4,2011-08-07 10:00:00,1,-1,1",
        ",R5,2011-08-08 10:00:00,3,-1,1",
    ],
}
KEPT = {
    "a.csv": [HEADER, *(LINES["a.csv"][place] for place in (1, 3))],
    "b.csv": [HEADER, *(LINES["b.csv"][place] for place in (0, 4))],
}


def deliver(home: EngineHome, name: str, lines: list[str], kind: str = "csv") -> None:
    """Lines as a file of the kind: a CSV, or the same as Parquet, all texts."""
    path = home.raw / name
    path.write_text("\n".join([HEADER, *lines, ""]))
    if kind == "parquet":
        duckdb.sql(f"select * from read_csv('{path}', all_varchar = true)").write_parquet(
            str(path.with_suffix(".parquet"))
        )
        path.unlink()


def lines_of(home: EngineHome, name: str) -> list[str]:
    if (home.raw / name).exists():
        return (home.raw / name).read_text().splitlines()
    rows = duckdb.read_parquet(str((home.raw / name).with_suffix(".parquet"))).fetchall()
    return [HEADER, *[",".join(cell or "" for cell in row) for row in rows]]


@pytest.fixture
def home(new_home: MakeHome) -> EngineHome:
    home = new_home(files="warehouse/raw/*")
    home.configure(r"^    product_id: .*", "    parent_order_id: parent")
    return home


def in_warehouse(home: EngineHome) -> list[tuple[str | None, str, int]]:
    return home.rows(
        "select customer_id, order_id, file_row from raw.transactions order by file_id, file_row"
    )


WHO_IS_LEFT = [("STAYS", "3", 1), ("STAYS", "4", 2), ("STAYS", "3", 1), ("STAYS", "3", 2)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_refunds_go_with_the_orders_they_name(home: EngineHome, kind: str):
    for name, lines in LINES.items():
        deliver(home, name, lines, kind)
    assert home.call("load").result["accepted"] == 9
    answer = home.call("forget", "GONE").result
    assert sum(answer["files"].values()) == 5
    assert {name: lines_of(home, name) for name in KEPT} == KEPT
    assert in_warehouse(home) == WHO_IS_LEFT
    assert home.rows("select sum(net_revenue) from intermediate.int_customer_days") == [(13,)]
    result = home.call("load").result
    assert (result["files_loaded"], result["accepted"], result["rejected"]) == ([], 4, {})
    checks = home.call("doctor", expect=None).result["checks"]
    assert [one["check"] for one in checks if one["level"] == "broken"] == []


def test_refunds_that_come_again_are_loaded_with_nobody(home: EngineHome):
    for name, lines in LINES.items():
        deliver(home, name, lines)
    home.call("load")
    home.call("forget", "GONE")
    deliver(home, "c.csv", [LINES["b.csv"][3], LINES["a.csv"][1]])  # without its order
    deliver(home, "d.csv", [LINES["b.csv"][1], "STAYS,5,2011-08-09 10:00:00,,1,1"])
    new = ["GONE,6,2011-08-10 10:00:00,,1,1", ",R6,2011-08-10 11:00:00,6,-1,1"]
    deliver(home, "e.csv", [new[1], "STAYS,7,2011-08-09 10:00:00,,1,1"])
    deliver(home, "f.csv", [new[0], "STAYS,8,2011-08-09 10:00:00,,1,1"])
    result = home.call("load").result
    assert result["rejected"] == {}
    rows = home.rows(
        "select order_id, file_row from raw.transactions where file_id > 2 order by all"
    )
    assert rows == [("3", 2), ("5", 2), ("7", 2), ("8", 2)]
    assert b"GONE" not in home.database.read_bytes()
    home.database.unlink()
    assert home.call("load").result["rejected"] == {}
    assert home.rows("select distinct customer_id from raw.transactions") == [("STAYS",)]


def test_a_refund_of_an_order_of_two_customers_stays_with_the_one_who_stays(home: EngineHome):
    both = ["GONE,1,2011-08-01 10:00:00,,1,5", "AMY,1,2011-08-01 10:00:00,,1,5"]
    refund = ",R1,2011-08-03 10:00:00,1,-1,2"
    deliver(home, "a.csv", [*both, refund])
    home.call("load")
    home.call("forget", "GONE")
    assert lines_of(home, "a.csv") == [HEADER, both[1], refund]
    assert in_warehouse(home) == [("AMY", "1", 1), ("AMY", "1", 2)]
