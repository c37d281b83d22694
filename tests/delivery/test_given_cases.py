"""The inputs that went wrong for others, by what a careful person counts in them."""

from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY

from ml.delivery.init import InitAnswer, init
from ml.delivery.preview import read_files
from ml.delivery.proposal import InitOptions
from ml.home.layout import Home

CASES = REPOSITORY.parent / "shared" / "cases"
SHOP = {
    "customer_id": "Email",
    "ordered_at": "Created at",
    "order_id": "Name",
    "quantity": "Lineitem quantity",
    "unit_price": "Lineitem price",
}
SAP = {"customer_id": "KUNNR", "order_id": "VBELN", "ordered_at": "FKDAT", "amount": "NETWR"}


@pytest.fixture(scope="module", autouse=True)
def given() -> None:
    if not CASES.exists():
        pytest.skip("the given cases are not here")


def made(home: Path, pattern: str, **options: Any) -> InitAnswer:
    return init(Home(home), lambda _: None, InitOptions([str(CASES / pattern)], **options))


@pytest.mark.parametrize(
    ("pattern", "options", "usable", "net_revenue"),
    [
        ("path-columns/dates_only_in_path/*/*.parquet", {}, 240, 2_397.60),
        ("number-texts/thousands.csv", {}, 792, 404_698.59),
        ("number-texts/trailing_minus.csv", {"columns": SAP, "currency": "EUR"}, 888, 176_958.47),
        ("shop-times/orders_export.csv", {"columns": SHOP}, 687, 44_211.32),
        ("empty-part", {}, 792, 62_676.78),
        ("mac-lines/export.csv", {}, 792, 62_676.78),
        ("null-markers/mysql.csv", {}, 927, 49_373.67),
    ],
)
def test_the_lines_and_their_money_are_those_of_a_careful_person(
    tmp_path: Path, pattern: str, options: dict[str, Any], usable: int, net_revenue: float
):
    answer = made(tmp_path, pattern, **options)
    assert (answer.usable, round(answer.net_revenue, 2)) == (usable, net_revenue)
    assert answer.doubts == []


def test_a_column_of_the_file_is_never_covered_by_its_folder(tmp_path: Path):
    answer = made(tmp_path, "path-columns/moment_in_file/*/*.parquet")
    assert answer.usable == 160
    assert sum(year.orders for year in answer.years) == 160


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("order-totals/orders_items.csv", "order_total_on_every_line"),
        ("wrong-year/log.csv", "lone_last_day"),
        ("zero-actuals/log.csv", "unknown_ids"),
    ],
)
def test_what_cannot_be_known_is_asked(tmp_path: Path, pattern: str, kind: str):
    answer = made(tmp_path, pattern)
    assert [one.kind for one in answer.doubts] == [kind]


def test_order_totals_are_counted_once_where_the_config_says_so(tmp_path: Path):
    asked = made(tmp_path, "order-totals/orders_items.csv")
    told = asked.source.model_copy(update={"amount_is_order_total": True})
    absolute = told.model_copy(update={"files": str(CASES / "order-totals" / "orders_items.csv")})
    read, _ = read_files(Home(tmp_path), absolute)
    assert (round(read.net_revenue, 2), read.doubts) == (107_528.17, [])


def test_one_barcode_in_the_quantity_is_refused_with_its_reason(tmp_path: Path):
    answer = made(tmp_path, "big-money/barcode_once.csv")
    assert answer.refused == {"quantity out of range": 1}


def test_rial_are_counted_to_the_last_one(tmp_path: Path):
    answer = made(tmp_path, "big-money/rial.csv")
    assert (answer.refused, answer.source.money_decimals) == ({}, 4)
    assert answer.net_revenue > 6e13
