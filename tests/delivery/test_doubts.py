"""Doubts about delivered files: each kind fires on its own bad log, and none on a sound one."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest import frame, line, transaction_log

from ml.delivery.load import load_files
from ml.delivery.preview import doubts_of, read_files
from ml.home.config import Columns, Source
from ml.home.layout import Home
from ml.warehouse.doubts import Doubt

Doubts = Callable[..., list[Doubt]]
MAPPED = {
    "customer_id": "customer_id",
    "order_id": "order_id",
    "ordered_at": "order_ts",
    "product_id": "product_id",
    "quantity": "quantity",
    "unit_price": "unit_price",
}
AMOUNTS = {name: MAPPED[name] for name in ("customer_id", "order_id", "ordered_at")} | {
    "amount": "amount"
}


LARGE = """
copy (
    with orders as (
        select
            range as number,
            date '2019-01-01' + cast(range // 200 as integer) as day,
            1 + (range * 7919) % 5003 as customer,
        from range(200000)
    )
    select
        case
            when number % 10 = 0 then 'guest'
            when number >= 170000 then 'N' || customer
            else 'C' || customer
        end as customer_id,
        'O' || number as order_id,
        day as order_ts,
        5 + (number * 31) % 997 as amount,
    from orders
    cross join range(2) as lines
) to $path (format parquet)
"""


@pytest.fixture(scope="module")
def sound_log() -> pd.DataFrame:
    """A shop without a fault: orders of several lines, returns, two years."""
    return transaction_log()


@pytest.fixture
def log(sound_log: pd.DataFrame) -> pd.DataFrame:
    return sound_log.copy()


@pytest.fixture
def doubted(tmp_path: Path) -> Doubts:
    """Reads frames as files of one shop, as `init` does, and returns what is doubted."""

    def read(*logs: pd.DataFrame, columns: dict[str, str] = MAPPED, **source: Any) -> list[Doubt]:
        paths, scratch = [], Path(mkdtemp(dir=tmp_path))
        for number, one in enumerate(logs):
            paths.append(str(tmp_path / f"{number}.csv"))
            one.to_csv(paths[-1], index=False)
        given = {"files": paths, "columns": Columns.model_validate(columns)}
        settings = given | {"max_rejected_share": 1} | source
        return read_files(Home(scratch), Source.model_validate(settings))[0].doubts

    return read


def kinds(found: list[Doubt]) -> list[str]:
    return [one.kind for one in found]


def only(found: list[Doubt]) -> Doubt:
    """The one doubt there is."""
    assert len(found) == 1, kinds(found)
    return found[0]


def with_amounts(log: pd.DataFrame) -> pd.DataFrame:
    return log.assign(amount=(log.quantity * log.unit_price).round(2))


def few_customers(count: int, share: float, lines: int = 2000, seed: int = 5) -> pd.DataFrame:
    """A shop in which one customer has a share of the lines, and the others what is left."""
    draw = np.random.default_rng(seed)
    days = draw.integers(0, 500, lines)
    who = np.where(draw.random(lines) < share, 0, draw.integers(1, count, lines))
    return frame(
        [
            line(f"C{one}", date(2020, 1, 1) + timedelta(int(day)), order=f"O{number}")
            for number, (one, day) in enumerate(zip(who, days, strict=True))
        ]
    )


# Sound logs


def test_a_sound_log_is_not_doubted(log: pd.DataFrame, doubted: Doubts):
    assert doubted(log) == []


def test_a_sound_log_in_many_files_is_not_doubted(log: pd.DataFrame, doubted: Doubts):
    months = [part for _, part in log.groupby(log.order_ts.dt.to_period("M"))]
    assert doubted(*months) == []


def test_a_log_of_one_line_an_order_at_one_price_is_not_doubted(doubted: Doubts):
    draw = np.random.default_rng(3)
    lines = [
        line(f"C{one}", date(2020, 1, 1) + timedelta(int(day)), price=9.99)
        for one in range(150)
        for day in draw.integers(0, 600, 12)
    ]
    assert doubted(frame(lines)) == []


def test_a_handful_of_lines_is_not_doubted(doubted: Doubts):
    days = [date(2020, 1, 1), date(2020, 1, 9), date(2020, 6, 1), date(2021, 3, 1)]
    assert doubted(frame([line("A", day) for day in days])) == []


def test_a_log_without_money_is_not_doubted(log: pd.DataFrame, doubted: Doubts):
    assert doubted(log.assign(unit_price=0.0)) == []


def test_a_large_log_is_looked_at_in_parts_and_its_faults_are_found(tmp_path: Path):
    """400,000 lines on 1,000 days; the guest, the order totals and the new ids are found."""
    path = tmp_path / "large.parquet"
    with duckdb.connect() as con:
        con.execute(LARGE, {"path": str(path)})
    columns = Columns.model_validate(AMOUNTS)
    source = Source.model_validate({"files": str(path), "columns": columns})
    found = {one.kind: one for one in read_files(Home(tmp_path), source)[0].doubts}
    assert set(found) == {"one_id_on_many_lines", "order_total_on_every_line", "unknown_ids"}
    guest = found["one_id_on_many_lines"]
    assert guest.example == "guest"
    assert guest.rows_share == pytest.approx(0.1, abs=0.01)


# Refusals


def test_refusals_that_hold_much_money_are_doubted(log: pd.DataFrame, doubted: Doubts):
    log = with_amounts(log)
    dear = log.amount > log.amount.quantile(0.9)
    log["amount"] = log.amount.map("{:.2f}".format).where(~dear, log.amount.map("{:,.2f} ?".format))
    found = only(doubted(log, columns=AMOUNTS))
    assert found.kind == "refused_money"
    assert found.rows_share == pytest.approx(dear.mean())
    assert found.money_share is not None
    assert found.money_share > 0.25


def test_refusals_at_random_are_not_doubted(log: pd.DataFrame, doubted: Doubts):
    log.loc[log.index % 9 == 0, "customer_id"] = ""
    assert doubted(log) == []


@pytest.mark.parametrize("written", ["{:.2f} neg-", "(neg) {:.2f}-", "{:.2f} CR-"])
def test_returns_that_are_all_refused_are_doubted(written: str, log: pd.DataFrame, doubted: Doubts):
    log = with_amounts(log)
    text = log.amount.map("{:.2f}".format)
    log["amount"] = text.where(log.amount >= 0, (-log.amount).map(written.format))
    found = only(doubted(log, columns=AMOUNTS))
    assert found.kind == "refused_returns"
    assert found.example is not None
    assert found.example.endswith("-")


def test_one_file_with_other_numbers_is_named(log: pd.DataFrame, doubted: Doubts):
    log = with_amounts(log)
    months = [part for _, part in log.groupby(log.order_ts.dt.to_period("Q"))]
    bad = months[2].assign(amount=months[2].amount.map("{:.2f}".format))
    dear = months[2].amount > months[2].amount.quantile(0.9)
    bad.loc[dear, "amount"] += " ?"
    found = doubted(*months[:2], bad, *months[3:], columns=AMOUNTS)
    assert [(Path(one.file).name, one.kind) for one in found] == [("2.csv", "refused_money")]


def test_a_file_of_which_most_lines_are_refused_is_named(log: pd.DataFrame, doubted: Doubts):
    months = [part for _, part in log.groupby(log.order_ts.dt.to_period("Q"))]
    months[3]["order_ts"] = months[3].order_ts.astype(str) + " h"
    found = doubted(*months)
    assert ("3.csv", "refused_file") in [(Path(one.file).name, one.kind) for one in found]


# Ids


@pytest.mark.parametrize("name", ["guest", "0", "T-01", "guest@shop.example"])
def test_one_id_on_a_fifth_of_the_lines_is_doubted_whatever_it_is_called(
    name: str, log: pd.DataFrame, doubted: Doubts
):
    log.loc[log.index % 5 == 0, "customer_id"] = name
    found = only(doubted(log))
    assert (found.kind, found.example) == ("one_id_on_many_lines", name)
    assert found.remedy == f"source.drop: {{customer_id column: ['{name}']}}"
    assert found.rows_share == pytest.approx(0.2, abs=0.03)


def test_several_ids_for_nobody_are_one_doubt_with_one_remedy(log: pd.DataFrame, doubted: Doubts):
    log.loc[log.index % 5 == 0, "customer_id"] = "guest"
    log.loc[log.index % 7 == 0, "customer_id"] = "d'Or"
    found = only(doubted(log))
    assert found.remedy == "source.drop: {customer_id column: ['guest', 'd''Or']}"
    assert "(2 such ids in all)" in found.words


def test_an_id_that_looks_like_nobody_is_doubted_on_fewer_lines(log: pd.DataFrame, doubted: Doubts):
    log.loc[log.index % 33 == 0, "customer_id"] = "unknown"
    assert kinds(doubted(log)) == ["one_id_on_many_lines"]
    log.loc[log.index % 33 == 0, "customer_id"] = "Meyer"
    assert doubted(log) == []


def test_an_id_with_one_order_on_every_day_is_doubted(doubted: Doubts):
    shop = transaction_log(seed=8, customers=900)
    days = shop.order_ts.dt.date.unique()
    till = frame([line("Till 1", day, order=f"T-{day}") for day in days])
    assert kinds(doubted(pd.concat([shop, till]))) == ["one_id_on_many_lines"]
    regular = frame([line("Regular", day, order=f"R-{day}") for day in days[::2]])
    assert doubted(pd.concat([shop, regular])) == []


def test_an_id_on_most_days_with_several_orders_a_day_is_doubted(doubted: Doubts):
    shop = transaction_log(seed=8, customers=900)
    days = shop.order_ts.dt.date.unique()
    till = frame(
        [line("Till 1", day, order=f"T{n}-{day}") for day in days[::2] for n in range(2)]
        + [line("Till 1", day, order=f"T9-{day}") for day in days[1::8]]
    )
    found = only(doubted(pd.concat([shop, till])))
    assert (found.kind, found.example) == ("one_id_on_many_lines", "Till 1")


@pytest.mark.parametrize(("count", "share"), [(20, 0.3), (50, 0.15), (200, 0.04)])
def test_a_good_customer_of_a_small_shop_is_not_doubted(count: int, share: float, doubted: Doubts):
    assert doubted(few_customers(count, share)) == []


@pytest.mark.parametrize("form", ["{:.5E}", "{:.2e}", "{:.0E}"])
def test_customer_ids_in_exponents_are_doubted(form: str, log: pd.DataFrame, doubted: Doubts):
    number = log.customer_id.map({one: k for k, one in enumerate(log.customer_id.unique())})
    log["customer_id"] = (123_456_000_000 + number * 9_871_234_567).map(form.format)
    found = doubted(log)
    assert "customer_ids_in_exponents" in kinds(found)
    assert "e+1" in str(next(one.example for one in found if "exponents" in one.kind)).lower()


def test_order_ids_in_exponents_are_doubted(log: pd.DataFrame, doubted: Doubts):
    number = log.order_id.map({one: k for k, one in enumerate(log.order_id.unique())})
    log["order_id"] = (4_500_000_000_000 + number).map("{:.5E}".format)
    assert "order_ids_in_exponents" in kinds(doubted(log))


@pytest.mark.parametrize("zeros", [1, 4, 6])
def test_ids_that_end_in_zeros_are_doubted(zeros: int, log: pd.DataFrame, doubted: Doubts):
    number = log.customer_id.map({one: k for k, one in enumerate(log.customer_id.unique())})
    kept = 10 ** (14 if zeros == 1 else 8) + number
    log["customer_id"] = kept.astype(str) + "0" * zeros
    assert kinds(doubted(log)) == ["customer_ids_rounded"]


@pytest.mark.parametrize("form", ["{:08}", "{:016}", "4012{:012}", "{}00"])
def test_ids_of_digits_are_not_doubted(form: str, log: pd.DataFrame, doubted: Doubts):
    number = log.customer_id.map({one: k for k, one in enumerate(log.customer_id.unique())})
    log["customer_id"] = (number * 37 + 11).map(form.format)
    assert doubted(log) == []


def test_branches_for_customers_are_doubted(log: pd.DataFrame, doubted: Doubts):
    log["customer_id"] = "Branch " + (log.index % 4).astype(str)
    assert kinds(doubted(log)) == ["few_customers"]


def test_order_ids_that_many_customers_share_on_a_day_are_doubted(doubted: Doubts):
    shop = transaction_log(seed=4, customers=2500)
    shop["order_id"] = "A" + (shop.order_ts.dt.month).astype(str)
    assert "few_orders" in kinds(doubted(shop))


def test_orders_without_an_id_are_not_doubted(log: pd.DataFrame, doubted: Doubts):
    columns = {ours: yours for ours, yours in MAPPED.items() if ours != "order_id"}
    assert doubted(log, columns=columns) == []


# The order's total


def order_totals(log: pd.DataFrame) -> pd.DataFrame:
    log = with_amounts(log)
    return log.assign(amount=log.groupby("order_id").amount.transform("sum").abs() + 0.01)


def test_an_order_total_on_every_line_is_doubted(log: pd.DataFrame, doubted: Doubts):
    found = only(doubted(order_totals(log), columns=AMOUNTS | {"product_id": "product_id"}))
    assert found.kind == "order_total_on_every_line"
    assert re.search(r"such as \S+ with \d+ of [\d,]+\.\d\d [A-Z]{3}: ", found.words)
    assert f"such as {found.example} with " in found.words


def test_an_order_total_is_doubted_without_products_too(log: pd.DataFrame, doubted: Doubts):
    assert kinds(doubted(order_totals(log), columns=AMOUNTS)) == ["order_total_on_every_line"]


def test_an_order_total_as_unit_price_is_doubted(log: pd.DataFrame, doubted: Doubts):
    log["unit_price"] = order_totals(log).amount
    log["quantity"] = 1 + np.arange(len(log)) % 3
    assert kinds(doubted(log)) == ["order_total_on_every_line"]


def test_a_shop_with_one_price_is_not_doubted(log: pd.DataFrame, doubted: Doubts):
    log["unit_price"], log["quantity"] = 1.0, 1
    assert doubted(log) == []


def test_tickets_of_one_product_in_an_order_are_not_doubted(log: pd.DataFrame, doubted: Doubts):
    log = order_totals(log).assign(product_id=log.order_id)
    assert doubted(log, columns=AMOUNTS | {"product_id": "product_id"}) == []


# Currencies


@pytest.fixture
def priced_in(tmp_path: Path, log: pd.DataFrame) -> Callable[[list[str]], list[Doubt]]:
    """Doubts about the log when its lines carry these currencies in turn; the config says EUR."""

    def read(currencies: list[str]) -> list[Doubt]:
        log.to_csv(tmp_path / "0.csv", index=False)
        source = Source.model_validate(
            {
                "files": str(tmp_path / "0.csv"),
                "columns": Columns.model_validate(MAPPED),
                "currency": "EUR",
            }
        )
        with duckdb.connect() as con:
            load_files(con, Home(tmp_path), source)
            con.execute(
                "update raw.transactions set currency = list_extract($1, 1 + file_row % len($1))",
                [currencies],
            )
            return doubts_of(con)

    return read


def test_a_currency_column_with_another_currency_is_doubted(
    priced_in: Callable[[list[str]], list[Doubt]],
):
    found = only(priced_in(["USD"]))
    assert (found.kind, found.remedy) == ("other_currency", "source.currency: USD")
    assert found.rows_share == pytest.approx(1)


def test_several_currencies_are_doubted(priced_in: Callable[[list[str]], list[Doubt]]):
    found = only(priced_in(["EUR", "EUR", "EUR", "GBP"]))
    assert found.kind == "other_currency"
    assert "EUR, GBP" in found.words
    assert found.rows_share == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("written", ["EUR", "eur", " EUR "])
def test_the_currency_of_the_config_is_not_doubted(
    written: str, priced_in: Callable[[list[str]], list[Doubt]]
):
    assert priced_in([written]) == []


# Days


@pytest.mark.parametrize("days", [90, 365, 3650])
@pytest.mark.parametrize("end", ["last", "first"])
def test_a_lone_day_far_from_the_others_is_doubted(
    days: int, end: str, log: pd.DataFrame, doubted: Doubts
):
    edge = log.order_ts.max() if end == "last" else log.order_ts.min()
    lone = edge + timedelta(days if end == "last" else -days)
    found = only(doubted(pd.concat([log, frame([line("TWIN-1", lone.date())])])))
    assert (found.kind, found.example) == (f"lone_{end}_day", str(lone.date()))


def test_a_last_day_a_month_later_is_not_doubted(log: pd.DataFrame, doubted: Doubts):
    lone = log.order_ts.max() + timedelta(30)
    assert doubted(pd.concat([log, frame([line("TWIN-1", lone.date())])])) == []


def test_months_that_are_missing_are_doubted(log: pd.DataFrame, doubted: Doubts):
    month = log.order_ts.dt.to_period("M").astype(str)
    found = only(doubted(log[~month.isin(["2011-02", "2011-03"])]))
    assert (found.kind, found.example, found.rows_share) == ("missing_months", "2011-02", None)
    assert "2011-02, 2011-03" in found.words


def test_a_season_of_closed_months_is_not_doubted(doubted: Doubts):
    shop = transaction_log(seed=6, first_day=date(2009, 1, 10), last_day=date(2012, 12, 20))
    winter = shop.order_ts.dt.month.isin([1, 2, 3])
    open_days = shop[~winter & (shop.order_ts > "2009-01-01")]
    assert "missing_months" not in kinds(doubted(open_days))


def test_a_day_with_ten_times_its_lines_is_doubted(log: pd.DataFrame, doubted: Doubts):
    day = pd.Timestamp("2011-06-15 12:00")
    some = log.sample(300, random_state=1).assign(order_ts=day)
    some["order_id"] = "M" + pd.Series(range(300), index=some.index).astype(str)
    found = only(doubted(pd.concat([log, some])))
    assert (found.kind, found.example) == ("busy_day", "2011-06-15")


def test_a_day_that_is_busy_every_month_is_not_doubted(log: pd.DataFrame, doubted: Doubts):
    billed = [
        line(f"TWIN-{n % 7}", day.date(), order=f"B{n}-{day.date()}", price=5 + n % 9)
        for day in pd.date_range("2010-08-01", "2012-03-01", freq="MS")
        for n in range(200)
    ]
    assert "busy_day" not in kinds(doubted(pd.concat([log, frame(billed)])))


@pytest.mark.parametrize("day", ["2011-12-01", "2011-12-17", "2011-06-20"])
def test_ids_of_which_none_is_known_from_before_are_doubted(
    day: str, log: pd.DataFrame, doubted: Doubts
):
    log.loc[log.order_ts >= day, "customer_id"] += "-new"
    found = only(doubted(log))
    assert found.kind == "unknown_ids"
    assert abs(pd.Timestamp(str(found.example)) - pd.Timestamp(day)) < timedelta(60)


def test_new_ids_of_half_of_the_customers_are_not_doubted(log: pd.DataFrame, doubted: Doubts):
    half = log.customer_id.str.len() % 2 == 1
    log.loc[(log.order_ts >= "2011-12-01") & half, "customer_id"] += "-new"
    log.loc[log.index % 2 == 0, "customer_id"] = log.customer_id.str.removesuffix("-new")
    assert doubted(log) == []


def test_a_shop_of_one_time_buyers_is_not_doubted(doubted: Doubts):
    lines = [
        line(f"C{number}", date(2020, 1, 1) + timedelta(number // 5)) for number in range(3000)
    ]
    assert doubted(frame(lines)) == []
