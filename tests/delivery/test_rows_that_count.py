"""Which rows count: kept and left out by values, refunds of orders, currencies, discounts, ids."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ml.delivery.dbt_macros import rejection_rule
from ml.delivery.init import InitAnswer, init
from ml.delivery.line_values import customers_as_read
from ml.delivery.load import load_files
from ml.delivery.proposal import InitOptions
from ml.home.config import Columns, Source
from ml.home.errors import CallError, DataNotReadyError
from ml.home.layout import Home
from ml.terminal.init import of_init
from ml.terminal.look import plain_text

HEADER = "who,order,day,sum,state,of,currency"


def quiet(_: str) -> None:
    """Says nothing."""


def source(columns: dict[str, Any] | None = None, **changes: Any) -> Source:
    named = {"customer_id": "who", "order_id": "order", "ordered_at": "day", "amount": "sum"}
    return Source.model_validate(
        {"files": "*.csv", "columns": Columns.model_validate(named | (columns or {}))} | changes
    )


def delivered(folder: Path, *lines: str, name: str = "log.csv", header: str = HEADER) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return folder / name


def judged(con: duckdb.DuckDBPyConnection, columns: str) -> list[tuple[Any, ...]]:
    return con.execute(
        "with files as (select file_id, loaded_on, currency as file_currency from raw.files"
        f" where is_current) select {columns}, {rejection_rule()} as reason"
        " from raw.transactions inner join files using (file_id) order by file_id, file_row"
    ).fetchall()


def lines(folder: Path, config: Source, columns: str = "customer_id, order_id, amount") -> Any:
    with duckdb.connect() as con:
        load_files(con, Home(folder), config)
        return judged(con, columns)


# Kept and left out


def test_rows_are_kept_and_left_out_by_values_and_counted(tmp_path: Path):
    delivered(
        tmp_path,
        "A,1,2019-01-01,5,Completed,,",
        "A,2,2019-01-02,7, completed ,,",
        "A,3,2019-01-03,9,cancelled,,",
        "A,4,2019-01-04,11,,,",
        "A,5,2019-01-05,13,completed,,TEST",
    )
    config = source(keep={"state": ["completed"]}, drop={"currency": ["test"]})
    with duckdb.connect() as con:
        load_files(con, Home(tmp_path), config)
        rows = con.execute("select file_row, amount from raw.transactions order by 1").fetchall()
        left = con.execute(
            "select column_name, value, line_count, amount from raw.left_out_lines order by all"
        ).fetchall()
    assert rows == [(1, 5), (2, 7)]
    assert left == [
        ("currency", "TEST", 1, 13),
        ("state", "", 1, 11),
        ("state", "cancelled", 1, 9),
    ]


def test_an_empty_cell_is_a_value_like_others(tmp_path: Path):
    delivered(tmp_path, "A,1,2019-01-01,5,x,,", "A,2,2019-01-02,7,,,")
    assert lines(tmp_path, source(drop={"state": [None]}), "order_id") == [("1", None)]
    assert lines(tmp_path, source(keep={"state": [None, "x"]}), "order_id") == [
        ("1", None),
        ("2", None),
    ]


def test_a_filter_of_a_column_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path):
    delivered(tmp_path, "A,1,2019-01-01,5,x,,")
    with pytest.raises(CallError, match=r"'stat' \(source.keep.stat\).*'state'"):
        lines(tmp_path, source(keep={"stat": ["x"]}))


def test_a_ragged_file_is_filtered_too(tmp_path: Path):
    delivered(tmp_path, "A,1,2019-01-01,5,x,,", "A,2,2019-01-02", "A,3,2019-01-02,7,y,,")
    rows = lines(tmp_path, source(keep={"state": ["x"]}), "file_row, order_id")
    assert rows == [(1, "1", None), (2, None, "wrong number of values")]


def test_ragged_lines_are_numbered_as_they_lie_between_lines_that_are_left_out(tmp_path: Path):
    delivered(
        tmp_path,
        "B,1,2019-01-01,5,x,,",
        "A",
        "A,3,2019-01-03,7,x,,",
        "B,4,2019-01-04,7,x,,,,more",
        "A,5,2019-01-05,7,x,",
        "A,6,2019-01-06,7,x,,",
    )
    rows = lines(tmp_path, source(keep={"who": ["A"]}), "file_row, order_id")
    ragged = "wrong number of values"
    assert rows == [
        (2, None, ragged),
        (3, "3", None),
        (4, None, ragged),
        (5, None, ragged),
        (6, "6", None),
    ]


# Refunds that name their order


REFUNDS = (
    "A,1,2019-01-01,5,ok,0,",
    "B,2,2019-01-02,7,cancelled,0,",
    ",101,2019-01-09,-2,ok,1,",
    ",102,2019-01-09,-7,ok,2,",
    "NULL,103,2019-01-09,-1,ok,99,",
)


def test_a_refund_belongs_to_the_order_it_names_and_counts_only_with_it(tmp_path: Path):
    delivered(tmp_path, *REFUNDS)
    config = source({"parent_order_id": "of"}, keep={"state": ["ok"]})
    assert lines(tmp_path, config) == [
        ("A", "1", 5, None),
        ("A", "1", -2, None),
        (None, "2", -7, "parent order not counted"),
        (None, "99", -1, "parent order not counted"),
    ]


def test_an_order_that_comes_later_takes_its_earlier_refund(tmp_path: Path):
    config = source({"parent_order_id": "of"})
    delivered(tmp_path, ",101,2019-01-09,-2,ok,1,", name="a.csv")
    with duckdb.connect() as con:
        load_files(con, Home(tmp_path), config)
        assert judged(con, "customer_id") == [(None, "parent order not counted")]
        delivered(tmp_path, "A,1,2019-01-01,5,ok,0,", name="b.csv")
        load_files(con, Home(tmp_path), config)
        assert judged(con, "customer_id, order_id") == [("A", "1", None), ("A", "1", None)]
        # the day of the refund is built again, because its file counts as loaded now
        assert con.execute("select distinct load_id from raw.files").fetchall() == [(2,)]
        (tmp_path / "b.csv").unlink()
        load_files(con, Home(tmp_path), config)
        assert judged(con, "customer_id") == [(None, "parent order not counted")]


def test_a_refund_of_an_order_that_is_refused_does_not_count(tmp_path: Path):
    of = "parent order not counted"
    delivered(
        tmp_path,
        "A,1,2099-01-01,5,ok,0,USD",
        "B,2,2019-01-02,7,ok,0,EUR",
        "C,3,2019-01-02,seven,ok,0,USD",
        "n/a,4,2019-01-02,7,ok,0,USD",
        "D,5,2019-01-02,7,ok,0,USD",
        "D,5,2019-01-02,seven,ok,0,USD",
        *[f",{100 + order},2019-01-09,-1,ok,{order},USD" for order in range(1, 6)],
    )
    config = source({"parent_order_id": "of", "currency": "currency"}, currency="USD")
    rows = lines(tmp_path, config, "customer_id")[6:]
    assert rows == [(None, of), (None, of), (None, of), (None, of), ("D", None)]


# Money


def test_deductions_are_taken_off_by_their_size(tmp_path: Path):
    delivered(
        tmp_path,
        "A,1,2019-01-01,20,5,,",
        "A,2,2019-01-02,20,-5,,",
        "A,3,2019-01-03,20,,,",
        "A,4,2019-01-04,,5,,",
        "A,5,2019-01-05,,,,",
        "A,6,2019-01-06,20,five,,",
    )
    rows = lines(tmp_path, source({"deductions": ["state"]}), "amount")
    assert rows[:4] == [(15, None), (15, None), (20, None), (-5, None)]
    assert [reason for _, reason in rows[4:]] == ["missing amount", "unreadable deductions"]


def test_the_total_of_an_order_counts_once_where_it_stands_on_each_line(tmp_path: Path):
    delivered(
        tmp_path,
        "A,1,2019-01-01,20,,,",
        "A,1,2019-01-01,20,,,",
        "B,2,2019-01-02,20,,,",
        "B,,2019-01-03,5,,,",
        "B,,2019-01-03,6,,,",
    )
    rows = lines(tmp_path, source(amount_is_order_total=True), "amount")
    assert rows == [(20, None), (0, None), (20, None), (5, None), (6, None)]


def test_the_total_of_an_order_is_left_out_once_and_only_if_no_line_of_it_counts(tmp_path: Path):
    delivered(
        tmp_path,
        "A,1,2019-01-01,20,x,,",
        "A,1,2019-01-01,20,x,,",
        "B,2,2019-01-02,30,x,,",
        "B,2,2019-01-02,30,y,,",
        "B,,2019-01-03,5,x,,",
        "B,,2019-01-03,6,x,,",
    )
    config = source(drop={"state": ["x"]}, amount_is_order_total=True)
    with duckdb.connect() as con:
        load_files(con, Home(tmp_path), config)
        assert judged(con, "amount") == [(30, None)]
        left = con.execute("select value, line_count, amount from raw.left_out_lines").fetchall()
    assert left == [("x", 5, 31)]


def test_a_discount_line_counts_where_it_is_asked_for(tmp_path: Path):
    delivered(tmp_path, "A,1,2019-01-01,-5,2,,")
    columns = Columns(customer_id="who", ordered_at="day", quantity="state", unit_price="sum")
    config = Source(files="*.csv", columns=columns)
    shown = "quantity, unit_price, amount"
    assert lines(tmp_path, config, shown) == [(2, -5, -10, "negative unit_price")]
    asked = config.model_copy(update={"take_negative_prices": True})
    assert lines(tmp_path, asked, shown) == [(-2, 5, -10, None)]


def test_lines_of_another_currency_are_refused(tmp_path: Path):
    delivered(tmp_path, "A,1,2019-01-01,5,,,EUR", "A,2,2019-01-02,7,,, usd", "A,3,2019-01-03,9,,,")
    rows = lines(tmp_path, source({"currency": "currency"}, currency="EUR"), "amount, currency")
    assert rows == [(5, "EUR", None), (7, "USD", "other currency"), (9, None, None)]


def made(home: Path, *files: Path, **options: Any) -> InitAnswer:
    return init(Home(home), quiet, InitOptions([str(file) for file in files], **options))


def test_init_takes_the_currency_of_the_column_and_asks_if_there_are_several(tmp_path: Path):
    header = "customer_id,order_date,amount,currency"
    one = delivered(tmp_path / "one", "A,2019-01-01,5,CHF", header=header)
    answer = made(tmp_path / "home1", one)
    assert (answer.source.currency, answer.source.columns.currency) == ("CHF", "currency")
    lines_of_two = ("A,2019-01-01,5,CHF", "B,2019-01-02,5,EUR")
    two = delivered(tmp_path / "two", *lines_of_two, header=header)
    with pytest.raises(CallError, match=r"CHF 50.0%, EUR 50.0%.*--currency CHF"):
        made(tmp_path / "home2", two)
    answer = made(tmp_path / "home2", two, currency="EUR")
    assert (answer.usable, answer.net_revenue) == (1, 5)


@pytest.mark.parametrize(
    ("cell", "currency"),
    [("€5.00", "EUR"), ("5.00 PLN", "PLN"), ("£5.00", "GBP"), ("5.00 RM", "MYR"), ("5.00", "USD")],
)
def test_the_currency_is_also_told_by_the_signs_of_the_money(
    tmp_path: Path, cell: str, currency: str
):
    file = delivered(tmp_path, f"A,2019-01-01,{cell}", header="customer_id,order_date,amount")
    assert made(tmp_path / "home", file).source.currency == currency


# Moments and ids


def test_date_and_time_in_two_columns_are_one_moment(tmp_path: Path):
    header = "customer_id,order_date,order_time,amount"
    rows = ("A,02.01.2019,15:16:29,5", "A,23.01.2019,,5", "A,24.01.2019,25:00,5")
    answer = made(tmp_path / "home", delivered(tmp_path, *rows, header=header))
    assert answer.source.columns.time_of_day == "order_time"
    assert [row.ordered_at for row in answer.first_rows] == [
        datetime(2019, 1, 2, 15, 16, 29),
        datetime(2019, 1, 23),
        None,
    ]


def test_times_can_be_written_in_another_zone_than_the_days_are_of(tmp_path: Path):
    delivered(tmp_path, "A,1,2019-07-01 23:30:00,5,,,", "A,2,2019-07-01 23:30:00+00:00,5,,,")
    config = source(times_written_in="UTC", timezone="Europe/Berlin")
    moment = datetime(2019, 7, 2, 1, 30)
    assert lines(tmp_path, config, "ordered_at") == [(moment, None), (moment, None)]


@pytest.mark.parametrize(
    ("cells", "zone"),
    [
        (("2019-01-02 10:00 -0500", "2019-07-02 10:00 -0400"), "America/New_York"),
        (("2019-01-02 10:00 +0100", "2019-07-02 10:00 +0200"), "Europe/Berlin"),
        (("Wed Jan 02 10:00:00 EST 2019", "Tue Jul 02 10:00:00 EDT 2019"), "America/New_York"),
        (
            ("Jan 2 2019 10:00:00 GMT+0100 (CET)", "Jul 2 2019 10:00:00 GMT+0200 (CEST)"),
            "Europe/Berlin",
        ),
        (("2019-01-02 10:00 UTC", "2019-07-02 10:00 UTC"), "UTC"),
        (("2019-01-02 10:00 +0530", "2019-07-02 10:00 +0530"), "Asia/Kolkata"),
        (("2019-01-02 10:00Z", "2019-07-02 10:00Z"), "UTC"),
        (("2019-01-02 10:00", "2019-07-02 10:00"), "UTC"),
    ],
)
def test_init_knows_the_zone_by_the_offsets(tmp_path: Path, cells: tuple[str, ...], zone: str):
    rows = [f"A,{cell},5" for cell in cells]
    file = delivered(tmp_path, *rows, header="customer_id,order_date,amount")
    assert made(tmp_path / "home", file).source.timezone == zone


def test_leading_zeros_go_only_where_it_is_asked_for(tmp_path: Path):
    delivered(tmp_path, "007,1,2019-01-01,5,,,", "0,2,2019-01-02,7,,,", "0A,3,2019-01-03,7,,,")
    assert lines(tmp_path, source(), "customer_id")[0] == ("007", None)
    rows = lines(tmp_path, source(drop_leading_zeros=True), "customer_id")
    assert rows == [("7", None), ("0", None), ("0A", None)]


def test_ids_given_by_people_are_read_as_those_of_files():
    texts = [" Anna@Mail.example ", "C1", "007"]
    assert customers_as_read(source(), texts) == ["anna@mail.example", "C1", "007"]


def test_a_refused_line_keeps_its_cells_as_delivered(tmp_path: Path):
    delivered(tmp_path, "A,1,2019-01-01,5,,,", ' guest ,2,in May,"1.234,50",,,')
    rows = lines(tmp_path, source(), "delivered")
    assert rows[0] == (None, None)
    text, reason = rows[1]
    assert reason == "unreadable ordered_at"
    assert json.loads(text) == {
        "customer_id": " guest ",
        "order_id": "2",
        "ordered_at": "in May",
        "amount": "1.234,50",
    }


def test_several_forms_of_numbers_in_several_files_are_not_guessed(tmp_path: Path):
    header = "customer_id;order_date;amount"
    one = delivered(tmp_path, "A;2019-01-01;1.234,50", header=header, name="a.csv")
    two = delivered(tmp_path, "A;2019-01-02;1,234.50", header=header, name="b.csv")
    with pytest.raises(CallError, match=r"decimal point in b.csv and .*decimal comma in a.csv"):
        made(tmp_path / "home", one, two)


def test_the_preview_shows_three_numbers_that_were_read_and_three_that_were_not(tmp_path: Path):
    cells = ["$1.50", "($2.50)", "3", "4.00-", "n/a", "abc", "5 CR"]
    rows = [f"A,2019-01-0{day},{cell}" for day, cell in enumerate(cells, start=1)]
    file = delivered(tmp_path, *rows, header="customer_id,order_date,amount")
    notes = "\n".join(made(tmp_path / "home", file).notes)
    assert "'$1.50' as 1.50, '($2.50)' as -2.50, '4.00-' as -4.00" in notes
    assert "3 cells are no numbers, such as 'n/a', 'abc', '5 CR'" in notes


def test_money_is_exact(tmp_path: Path):
    delivered(tmp_path, "A,1,2019-01-01,0.1,0.2,,")
    ((amount, _),) = lines(tmp_path, source({"deductions": ["state"]}), "amount")
    assert amount == Decimal("-0.1")


def test_filters_that_leave_out_everything_say_which_values_there_are(tmp_path: Path):
    delivered(tmp_path, "A,1,2019-01-01,5,paid,,", "A,2,2019-01-02,7,,,")
    with pytest.raises(DataNotReadyError, match=r"all lines \(state is empty 1, state is paid 1\)"):
        lines(tmp_path, source(keep={"state": ["completed"]}))


def test_the_preview_counts_what_filters_leave_out(tmp_path: Path):
    home = tmp_path / "home" / "config"
    till = delivered(tmp_path, "1,C1,2019-01-02,5,test", "2,C1,2019-01-03,6,sale",
                     header="bon,kunde,wann,summe,art", name="till.csv")  # fmt: skip
    home.mkdir(parents=True)
    (home / "till.yaml").write_text(
        "title: Our till\nknown_by: [bon, kunde]\nsource:\n  columns: {customer_id: kunde,"
        " order_id: bon, ordered_at: wann, amount: summe}\n  drop: {art: [test]}\n"
    )
    answer = made(home.parent, till)
    assert [(one.column_name, one.value, one.line_count) for one in answer.left_out] == [
        ("art", "test", 1)
    ]
    assert "1, art is test" in plain_text(of_init(answer))
