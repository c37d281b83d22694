"""Layouts: exports of shop systems are known by their headers and counted as in a book."""

import csv
import importlib.util
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import numpy as np
import pytest
from conftest import REPOSITORY

from ml.delivery.dbt_macros import rejection_rule
from ml.delivery.init import InitAnswer, init
from ml.delivery.load import load_files
from ml.delivery.proposal import InitOptions
from ml.home.config import load_config
from ml.home.errors import CallError
from ml.home.layout import Home
from ml.home.source_layouts import layouts

EXPORTS = REPOSITORY.parent / "shared" / "exports" / "make_exports.py"
SHIPPED = ["amazon", "ledger", "magento", "sap", "shopify", "square", "woocommerce"]


def quiet(_: str) -> None:
    """Says nothing."""


def made(home: Path, *files: Path, **options: Any) -> InitAnswer:
    return init(Home(home), quiet, InitOptions([str(file) for file in files], **options))


def delivered(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def counted(home: Path) -> list[tuple[Any, ...]]:
    """Customer, orders and money of the accepted lines, as the config of the home reads them."""
    with duckdb.connect() as con:
        load_files(con, Home(home), load_config(Home(home)).source)
        return con.execute(
            "with files as (select file_id, loaded_on, currency as file_currency from raw.files)"
            " select customer_id, count(distinct order_id), sum(amount)::decimal(18, 2)"
            " from raw.transactions inner join files using (file_id)"
            f" where {rejection_rule()} is null group by customer_id order by customer_id"
        ).fetchall()


@pytest.fixture(scope="session")
def exporter() -> ModuleType:
    if not EXPORTS.exists():
        pytest.skip("the exporter of four shop systems is not here")
    spec = importlib.util.spec_from_file_location("make_exports", EXPORTS)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("place", "name", "zone", "currency"),
    [
        (0, "shopify", "Europe/Berlin", "EUR"),
        (1, "woocommerce", "UTC", "GBP"),
        (2, "sap", "UTC", "EUR"),
        (3, "square", "America/New_York", "USD"),
    ],
)
def test_an_export_is_counted_to_the_cent_without_a_column_named(
    tmp_path: Path,
    exporter: ModuleType,
    place: int,
    name: str,
    zone: str,
    currency: str,
    seed: int,
):
    truth = getattr(exporter, name)(tmp_path, np.random.default_rng([seed, place]), 0.2)
    truth.write(tmp_path / "truth.csv")
    answer = made(tmp_path / "home", tmp_path / name)
    assert answer.source.layout == name
    assert (answer.source.timezone, answer.source.currency) == (zone, currency)
    with (tmp_path / "truth.csv").open(newline="", encoding="utf-8") as file:
        right = [
            (row["customer_id"], int(row["orders"]), Decimal(row["net_revenue"]))
            for row in csv.DictReader(file)
        ]
    assert counted(tmp_path / "home") == sorted(right)


MAGENTO_HEADER = (
    "ID,Purchase Point,Purchase Date,Bill-to Name,Grand Total (Base),Status,Customer Email,"
    "Total Refunded"
)
MAGENTO = f"""{MAGENTO_HEADER}
000000001,Main Store,"Jan 2, 2019 3:16:29 PM",Ann,"$1,120.00",Complete,ann@mail.example,
000000002,Main Store,"Jan 3, 2019 9:00:01 AM",Ann,$50.00,Closed,Ann@Mail.example,$50.00
000000003,Main Store,"Feb 14, 2019 9:00:01 AM",Bob,$20.00,Canceled,bob@mail.example,
000000004,Main Store,"Feb 15, 2019 9:00:01 AM",Bob,$20.50,Processing,bob@mail.example,
"""
AMAZON_HEADER = (
    "amazon-order-id\tpurchase-date\tbuyer-email\tsku\tasin\torder-status\titem-price\tcurrency"
    "\titem-promotion-discount"
)
AMAZON = f"""{AMAZON_HEADER}
111-1\t2019-01-02T15:16:29+00:00\ta@market.example\tS1\tB1\tShipped\t12.50\tUSD\t
111-1\t2019-01-02T15:16:29+00:00\ta@market.example\tS2\tB2\tShipped\t10.00\tUSD\t-2.00
111-2\t2019-01-05T15:16:29+00:00\tb@market.example\tS1\tB1\tCancelled\t\t\t
111-3\t2019-01-06T15:16:29+00:00\tb@market.example\tS1\tB1\tShipped\t5.00\tUSD\t1.00
"""
LEDGER = """Booking Date;Reference;Counterparty;Debit;Credit;Currency
02.01.2019;R1;Meier GmbH;;1.200,50;EUR
13.01.2019;R2;Meier GmbH;200,50;;EUR
15.01.2019;R3;Schmidt KG;0,00;99,90;EUR
"""


@pytest.mark.parametrize(
    ("name", "text", "right"),
    [
        (
            "magento",
            MAGENTO,
            [("ann@mail.example", 2, "1120.00"), ("bob@mail.example", 1, "20.50")],
        ),
        ("amazon", AMAZON, [("a@market.example", 1, "20.50"), ("b@market.example", 1, "4.00")]),
        ("ledger", LEDGER, [("Meier GmbH", 2, "1000.00"), ("Schmidt KG", 1, "99.90")]),
    ],
)
def test_other_layouts_come_with_it(
    tmp_path: Path, name: str, text: str, right: list[tuple[str, int, str]]
):
    answer = made(tmp_path / "home", delivered(tmp_path, "export.csv", text))
    assert answer.source.layout == name
    assert counted(tmp_path / "home") == [(who, n, Decimal(net)) for who, n, net in right]


def test_every_shipped_layout_opens_and_is_known_by_headers_of_its_own(tmp_path: Path):
    found = layouts(Home(tmp_path))
    assert [one.name for one in found] == SHIPPED
    for layout in found:
        headers = [entry if isinstance(entry, str) else entry[0] for entry in layout.file.known_by]
        assert [one.name for one in found if one.fits(headers)] == [layout.name]


def test_a_home_brings_its_own_layout_and_it_goes_before_the_shipped_one(tmp_path: Path):
    file = delivered(tmp_path, "till.csv", "bon,kunde,wann,summe,art\n1,C1,2019-01-02,5,test\n"
                     "2,C1,2019-01-03,6,sale\n3,C2,2019-01-03,7,sale\n")  # fmt: skip
    delivered(
        tmp_path / "home" / "config",
        "till.yaml",
        "title: Our till\nknown_by: [bon, kunde]\nsource:\n  columns:\n    customer_id: kunde\n"
        "    order_id: bon\n    ordered_at: wann\n    amount: summe\n  drop:\n    art: [Test]\n",
    )
    answer = made(tmp_path / "home", file)
    assert answer.source.layout == "till"
    assert counted(tmp_path / "home") == [("C1", 1, Decimal(6)), ("C2", 1, Decimal(7))]


def test_a_config_may_name_a_layout_and_nothing_else(tmp_path: Path):
    delivered(tmp_path / "raw", "export.csv", MAGENTO)
    delivered(
        tmp_path / "config",
        "model_config.yaml",
        "source:\n  files: raw/*.csv\n  layout: magento\n"
        '  timestamp_format: "%b %d, %Y %I:%M:%S %p"\n',
    )
    assert [who for who, *_ in counted(tmp_path)] == ["ann@mail.example", "bob@mail.example"]


def test_naming_a_column_means_that_no_layout_is_used(tmp_path: Path):
    file = delivered(tmp_path, "export.csv", MAGENTO)
    answer = made(tmp_path / "home", file, columns={"customer_id": "Bill-to Name"})
    assert (answer.source.layout, answer.source.keep) == (None, {})
    assert answer.usable == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: x\nknown_by: [a]\nsource: {colums: {}}\n", r"till.yaml:3: .*colums.*columns"),
        ("title: x\nknown_by: []\nsource: {columns: {}}\n", r"till.yaml:2: known_by"),
    ],
)
def test_a_wrong_layout_is_named_with_its_line(tmp_path: Path, text: str, words: str):
    delivered(tmp_path / "config", "till.yaml", text)
    with pytest.raises(CallError, match=words):
        layouts(Home(tmp_path))


def test_an_unknown_layout_is_refused_with_those_there_are(tmp_path: Path):
    file = delivered(tmp_path, "export.csv", MAGENTO)
    with pytest.raises(CallError, match=r"no layout 'shopfy'.*shopify"):
        made(tmp_path / "home", file, layout="shopfy")
