"""`init`: columns and formats guessed, the files tried as `load` reads them, the config written."""

import gzip
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import REPOSITORY, EngineHome, frame, line
from pydantic import ValidationError

from ml.delivery import encodings
from ml.delivery.encodings import as_utf8, guess_encoding
from ml.delivery.guess_columns import Column, columns_of, guess_columns
from ml.delivery.init import InitAnswer, config_text, init
from ml.delivery.load import is_up_to_date, load_files
from ml.delivery.moments import moment_formats
from ml.delivery.number_texts import decimal_counts, decimal_separator_of
from ml.delivery.opened_file import use_rows
from ml.delivery.preview import Preview
from ml.delivery.proposal import InitOptions
from ml.home.config import Columns, Source, load_config
from ml.home.errors import CallError, DataNotReadyError
from ml.home.layout import Home
from ml.terminal.init import of_init, of_written
from ml.terminal.look import plain_text

HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
RETAIL = {
    "customer_id": "Customer ID",
    "ordered_at": "InvoiceDate",
    "order_id": "Invoice",
    "product_id": "StockCode",
    "quantity": "Quantity",
    "unit_price": "Price",
}
# columns of public data sets and of shops, and what they are
NAMED = {
    "kaggle online retail": (
        "InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID Country",
        "CustomerID InvoiceDate InvoiceNo StockCode Quantity UnitPrice -",
    ),
    "cdnow": ("cust_id order_date qty dollar_value", "cust_id order_date - - qty - dollar_value"),
    "dunnhumby": (
        "household_key BASKET_ID DAY PRODUCT_ID QUANTITY SALES_VALUE",
        "household_key DAY BASKET_ID PRODUCT_ID QUANTITY - SALES_VALUE",
    ),
    "olist": (
        "order_id customer_unique_id order_purchase_timestamp product_id price",
        "customer_unique_id order_purchase_timestamp order_id product_id - - price",
    ),
    "a till": (
        "Receipt No;Client;Date;SKU;Units;Price each;Line total",
        "Client Date Receipt_No SKU Units Price_each -",
    ),
    "ours": (
        "customer_id order_id order_ts product_id quantity unit_price",
        "customer_id order_ts order_id product_id quantity unit_price -",
    ),
    "misspelt": ("custmer_id orderdate revenu", "custmer_id orderdate - - - - revenu"),
}
OURS = ("customer_id", "ordered_at", "order_id", "product_id", "quantity", "unit_price", "amount")
TIMES = [
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%Y%m%d",
    "%d-%b-%Y",
    "%m/%d/%y",
    "%m/%d/%Y %I:%M %p",
]


def quiet(_: str) -> None:
    """Says nothing."""


def moments(count: int = 60) -> list[datetime]:
    return [datetime(2010, 12, 1, 8, 26) + timedelta(days=3 * n, hours=n % 9) for n in range(count)]


def retail(form: str = "%Y-%m-%d %H:%M:%S", count: int = 60) -> str:
    """A CSV with the columns of Online Retail II: customers as floats, some of them missing."""
    rows = [
        f"5364{n},8512{n % 4}A,POPPY £{n},{1 + n % 5},{moment.strftime(form)},2.55,"
        f"{'' if n % 10 == 9 else f'{13000 + n % 7}.0'},United Kingdom"
        for n, moment in enumerate(moments(count))
    ]
    return "\n".join([HEADER, *rows]) + "\n"


def shop(folder: Path, text: str, name: str = "shop.csv", encoding: str = "utf-8") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(
        gzip.compress(text.encode(encoding)) if ".gz" in name else text.encode(encoding)
    )
    return str(path)


def made(home: Path, *files: str, **options: Any) -> InitAnswer:
    return init(Home(home), quiet, InitOptions(list(files), **options))


def columns(text: str) -> list[Column]:
    names = text.split(";" if ";" in text else None)
    found = []
    for name in names:
        is_time = any(word in name.lower() for word in ("date", "day", "timestamp", "_ts"))
        money = ("price", "value", "total", "revenu", "qty", "quantity", "units")
        is_number = any(word in name.lower() for word in money)
        found.append(Column(name, float(is_number), float(is_time), is_number))
    return found


def source(**changes: Any) -> Source:
    named = Columns(customer_id="c", ordered_at="t", amount="a")
    return Source.model_validate({"files": "*.csv", "columns": named} | changes)


def loaded(folder: Path, config: Source) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        load_files(con, Home(folder), config)
        return con.execute(
            "select customer_id, ordered_at, amount from raw.transactions"
            " order by file_id, file_row"
        ).fetchall()


# Guesses


@pytest.mark.parametrize("kind", NAMED)
def test_columns_are_found_by_many_names(kind: str):
    names, expected = NAMED[kind]
    wanted = {
        ours: yours.replace("_", " ") if ";" in names else yours
        for ours, yours in zip(OURS, expected.split(), strict=False)
        if yours != "-"
    }
    assert guess_columns(columns(names), {}) == wanted


def test_a_name_is_not_believed_when_the_column_holds_something_else():
    delivered = [
        Column("customer", 0, 0, False),
        Column("date", 0, 0, False),
        Column("when", 0, 1, False),
        Column("total", 0, 0, False),
        Column("x", 1, 0, True),
    ]
    assert guess_columns(delivered, {}) == {
        "customer_id": "customer",
        "ordered_at": "when",
        "amount": "x",
    }


def test_what_is_given_counts_and_a_misspelt_column_is_refused_with_the_nearest():
    delivered = columns("customer_id user_id order_date total")
    given = {"customer_id": "user_id"}
    assert guess_columns(delivered, given)["customer_id"] == "user_id"
    with pytest.raises(CallError, match=r"--customer-id 'userid': .*'user_id'"):
        guess_columns(delivered, {"customer_id": "userid"})


@pytest.mark.parametrize("form", TIMES)
def test_the_format_of_times_is_found_by_all_rows(form: str):
    texts = [moment.strftime(form) for moment in moments()]
    # day and month of the first 12,000 rows could be either
    texts = [datetime(2011, 3, 4, 9).strftime(form)] * 12_000 + texts
    rows = duckdb.from_arrow(_arrow(texts))
    assert moment_formats(rows, "t", str(rows.types[0])).best == form


def _arrow(texts: list[str]) -> Any:
    import pyarrow as pa

    return pa.table({"t": texts})


def test_iso_needs_no_format_and_numbers_are_no_times():
    rows = duckdb.from_arrow(_arrow([moment.isoformat() for moment in moments()]))
    assert moment_formats(rows, "t", str(rows.types[0])).best is None
    held = columns_of(duckdb.sql("select 2.5 as price, '7' as qty"), ".")
    by_name = {one.name: one for one in held}
    assert (by_name["price"].moment_share, by_name["price"].has_fractions) == (0, True)
    assert (by_name["qty"].number_share, by_name["qty"].has_fractions) == (1, False)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_the_encoding_is_found_and_a_copy_in_utf_8_is_gone_after_use(
    tmp_path: Path, encoding: str, name: str
):
    path = Path(shop(tmp_path, "café – £\n" * 1000, name, encoding))
    assert guess_encoding(path) == encoding
    with as_utf8(path, encoding, tmp_path / "copies") as readable:
        content = readable.read_bytes()
        text = gzip.decompress(content) if readable.suffix == ".gz" else content
        assert text.decode() == "café – £\n" * 1000
    assert not list(tmp_path.glob("copies/*"))


def test_a_sign_that_two_reads_share_is_read_whole_and_half_a_sign_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(encodings, "CHUNK_BYTES", 3)
    path = Path(shop(tmp_path, "é£€" * 5))
    assert guess_encoding(path) == "utf-8"
    path.write_bytes(path.read_bytes()[:-1])
    assert guess_encoding(path) == "cp1252"
    with pytest.raises(UnicodeDecodeError), as_utf8(path, "utf-8-sig", tmp_path / "copies"):
        pass
    assert not list(tmp_path.glob("copies/*"))


# The whole command


@pytest.mark.parametrize(
    ("form", "expected"),
    [("%Y-%m-%d %H:%M:%S", None), ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M"), ("%m/%d/%Y %H:%M",) * 2],
)
def test_a_csv_like_online_retail_becomes_a_home_without_a_word(
    tmp_path: Path, form: str, expected: str | None
):
    file = shop(tmp_path / "data", retail(form), encoding="latin-1")
    found = made(tmp_path / "new" / "home", file, timezone="Europe/London", currency="GBP")
    assert (found.row_count, found.usable, found.customers) == (60, 54, 7)
    assert found.refused == {"missing customer_id": 6}
    assert (found.first_day, found.last_day) == (date(2010, 12, 1), date(2011, 5, 24))
    config = load_config(Home(tmp_path / "new" / "home"))
    assert config.source.columns.delivered() == RETAIL
    assert config.source.timestamp_format == expected
    assert config.source.encoding == "cp1252"
    assert (config.source.timezone, config.source.currency) == ("Europe/London", "GBP")
    assert config.source.files == file
    text = plain_text(of_init(found))
    assert "60, usable 54" in text
    assert "10.0%: missing customer_id 6" in text
    assert "2010-12-01 to 2011-05-24" in text
    assert "13000" in text
    assert "£2.55" in text
    assert re.search(r"net revenue +£[\d,]+\.\d\d\n", text)
    assert "13000.0" not in text
    assert "not UTF-8, it looks like cp1252" in text
    assert "train --cutoff 2011-04-30" in text


def test_files_below_the_home_are_named_relative_to_it_and_a_folder_by_its_kinds(tmp_path: Path):
    raw = tmp_path / "home" / "warehouse" / "raw"
    shop(raw, retail(), "a.csv")
    shop(raw, retail(count=5), "b.csv")
    found = made(tmp_path / "home", str(raw))
    assert len(found.files) == 2
    assert load_config(Home(tmp_path / "home")).source.files == "warehouse/raw/*.csv"


def test_the_shipped_comments_stay_and_only_the_source_differs(tmp_path: Path):
    made(tmp_path / "home", shop(tmp_path, retail()))
    shipped = (REPOSITORY / "config" / "model_config.yaml").read_text().splitlines()
    written = (tmp_path / "home" / "config" / "model_config.yaml").read_text().splitlines()
    assert written[written.index("training:") :] == shipped[shipped.index("training:") :]
    assert written[:2] == shipped[:2]
    assert any("# optional: without it" in row for row in written)


def test_an_existing_config_is_refused_and_with_force_loses_nothing_but_its_source(tmp_path: Path):
    home, file = tmp_path / "home", shop(tmp_path, retail())
    made(home, file)
    config = home / "config" / "model_config.yaml"
    config.write_text(config.read_text().replace("history_months: 9 ", "history_months: 12 # ours"))
    before = config.read_bytes()
    with pytest.raises(CallError, match="--force"):
        made(home, file)
    assert config.read_bytes() == before
    init(Home(home), quiet, InitOptions([file], currency="GBP"), force=True)
    assert "history_months: 12 # ours" in config.read_text()
    assert load_config(Home(home)).source.currency == "GBP"


def test_days_that_can_be_read_in_two_ways_are_not_guessed(tmp_path: Path):
    rows = "".join(f"C{n % 3},0{1 + n % 9}/0{1 + n % 7}/2011,1.5\n" for n in range(50))
    file = shop(tmp_path, "customer,date,total\n" + rows)
    with pytest.raises(CallError, match=r"%d/%m/%Y and as %m/%d/%Y; .*--timestamp-format"):
        made(tmp_path / "home", file)
    assert not (tmp_path / "home").exists()
    found = made(tmp_path / "home", file, timestamp_format="%m/%d/%Y")
    assert found.last_day == date(2011, 9, 6)
    assert "train --cutoff 2011-08-31" in plain_text(of_written(found))
    short = replace(found, first_day=date(2011, 9, 1))
    assert "train --cutoff 2011-09-06" in plain_text(of_written(short))


def test_a_file_that_tells_day_from_month_speaks_for_one_that_does_not(tmp_path: Path):
    rows = ("C1,2011-01-05,1", "C1,01/02/2011,1", "C1,01/31/2011,1")
    folder = tmp_path / "data"
    for number, row in enumerate(rows):
        shop(folder, f"customer,date,total\n{row}\n", f"{number}.csv")
    found = made(tmp_path / "home", str(folder))
    assert found.source.timestamp_format == "%m/%d/%Y"
    assert (found.usable, found.first_day) == (3, date(2011, 1, 2))
    shop(folder, "customer,date,total\nC1,31/01/2011,1\n", "3.csv")
    with pytest.raises(CallError, match="written differently"):
        made(tmp_path / "other", str(folder))


@pytest.mark.parametrize(
    ("text", "options", "error", "words"),
    [
        ("a,b\n1,x\n", {}, CallError, "no column looks like customer_id and ordered_at and amount"),
        ("customer,date,total\n", {}, DataNotReadyError, "none of the 1 file"),
        ("customer,date,total\n,2011-01-01,1\n", {}, DataNotReadyError, "missing customer_id: 1"),
        (retail(), {"timezone": "Europe/Londn"}, CallError, "timezone: .*Europe/London"),
        (retail(), {"currency": "pounds"}, CallError, "currency"),
        (retail(), {"encoding": "klingon"}, CallError, "encoding: unknown encoding"),
        (retail(), {"timestamp_format": "%d'; drop"}, CallError, "timestamp-format"),
        (retail(), {"columns": {"amount": "Prize"}}, CallError, "--amount 'Prize': .*'Price'"),
        (retail(), {"columns": {"customer_id": "Country"}}, None, ""),
    ],
)
def test_what_cannot_work_is_refused_and_nothing_is_left_behind(
    tmp_path: Path, text: str, options: dict[str, Any], error: type[Exception] | None, words: str
):
    file = shop(tmp_path, text)
    if error is None:
        assert made(tmp_path / "home", file, **options).customers == 1
        return
    with pytest.raises(error, match=words) as caught:
        made(tmp_path / "home", file, **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "home").exists()


def test_a_file_that_is_not_there_or_not_named_is_refused(tmp_path: Path):
    with pytest.raises(CallError, match="no file matches"):
        made(tmp_path / "home", str(tmp_path / "nothing.csv"))
    with pytest.raises(CallError, match="init FILE"):
        made(tmp_path / "home")
    with pytest.raises(CallError, match="holds no"):
        made(tmp_path / "home", str(tmp_path))


class Person:
    """Answers with what is scripted, else takes the default; agrees or not."""

    def __init__(self, agrees: bool = True, **answers: str) -> None:
        self.answers, self.will_agree = answers, agrees
        self.asked: list[str] = []
        self.seen: Preview | None = None

    def answer(self, question: str, default: str) -> str:
        self.asked.append(question)
        return next((said for word, said in self.answers.items() if word in question), default)

    def agrees(self, preview: Preview) -> bool:
        self.seen = preview
        return self.will_agree


def test_at_a_terminal_every_guess_can_be_changed_and_the_preview_is_agreed_to(tmp_path: Path):
    file = shop(tmp_path, retail())
    person = Person(file=file, product_id="Description", order_id="-", currency="GBP")
    found = init(Home(tmp_path / "home"), quiet, InitOptions([]), person)
    read = load_config(Home(tmp_path / "home")).source
    assert (read.columns.product_id, read.columns.order_id) == ("Description", None)
    assert read.currency == "GBP"
    assert person.seen is not None
    assert person.seen.usable == found.usable == 54
    assert not any("amount" in question for question in person.asked)
    assert "Wrote config/model_config.yaml" in plain_text(of_written(found))


def test_who_does_not_agree_gets_no_config(tmp_path: Path):
    file = shop(tmp_path, retail())
    with pytest.raises(CallError, match="nothing was written"):
        init(Home(tmp_path / "home"), quiet, InitOptions([file]), Person(agrees=False))
    assert not (tmp_path / "home").exists()


def test_the_command_makes_the_home_and_load_counts_what_the_preview_counted(tmp_path: Path):
    file = shop(tmp_path, retail("%m/%d/%Y %H:%M"), encoding="latin-1")
    home = EngineHome(tmp_path / "home")
    (tmp_path / "elsewhere").mkdir()
    cli = EngineHome(tmp_path / "elsewhere")
    preview = cli.call("--home", str(home.root), "init", file, "--yes").result
    refused = cli.call("--home", str(home.root), "init", file, "--yes", expect=2).message
    assert "--force" in refused
    done = home.call("load").result
    assert done["accepted"] == preview["usable"] == 54
    assert done["rejected"] == preview["refused"]
    assert done["newest_day"] == preview["last_day"]


def test_a_decimal_comma_is_found_written_and_read_by_load(tmp_path: Path):
    text = retail("%d.%m.%Y %H:%M").replace(",2.55,", ";2,55;").replace(",", ";")
    text = text.replace(";2;55;", ";2,55;")
    file, home = shop(tmp_path, text), EngineHome(tmp_path / "home")
    found = made(home.root, file)
    assert found.source.decimal_separator == ","
    assert found.source.columns.unit_price == "Price"
    assert any("','" in note for note in found.notes)
    assert home.call("load").result["accepted"] == found.usable == 54
    ((price,),) = home.rows("select distinct unit_price from staging.stg_transactions")
    assert price == Decimal("2.55")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2,55", "1.234,5", "3"], ","),
        (["2.55", "1,234.5", "3"], "."),
        (["1,234", "12,500", "3"], "."),  # groups, or decimals: nothing tells
        (["1,234", "12,5", "3"], ","),
        (["01.12.2010", "x,1", ""], "."),
    ],
)
def test_the_decimal_separator_is_guessed_by_what_tells_it(
    tmp_path: Path, cells: list[str], expected: str
):
    path = Path(shop(tmp_path, "\n".join(["a;b", *(f"{cell};x" for cell in cells), ""])))
    with duckdb.connect() as con:
        counts = use_rows(con, path, {}, lambda rows: decimal_counts(rows, rows.columns))
        assert decimal_separator_of(counts) == expected


# What a config with an encoding, a time format or a decimal comma reads


def test_other_texts_are_read_by_the_format_and_iso_is_still_iso(tmp_path: Path):
    shop(tmp_path, "c,t,a\nA,31/12/2011 10:05,1\nB,2011-12-31 10:05:00,2\nC,12/31/2011 10:05,3\n")
    read = loaded(tmp_path, source(timestamp_format="%d/%m/%Y %H:%M"))
    moment = datetime(2011, 12, 31, 10, 5)
    assert [row[1] for row in read] == [moment, moment, None]


def test_days_that_came_as_numbers_are_read_by_the_format(tmp_path: Path):
    lines = frame([line("A", date(2011, 12, 31))]).assign(order_ts=20111231)
    lines.to_parquet(tmp_path / "days.parquet", index=False)
    named = Columns(customer_id="customer_id", ordered_at="order_ts", amount="unit_price")
    config = source(files="*.parquet", columns=named, timestamp_format="%Y%m%d")
    assert loaded(tmp_path, config)[0][1] == datetime(2011, 12, 31)


# text to what it is with a decimal comma; None: no number
WITH_COMMA = {
    "2,55": "2.55",
    "-3": "-3",
    "1.234,5": "1234.5",
    "1.234": "1234",
    "12.345.678,01": "12345678.01",
    "1 234,50": "1234.5",
    "1\u202f234,50": "1234.5",
    "1'234,50": "1234.5",
    " 7,25 ": "7.25",
    "2.55": None,
    "1.23.456": None,
    "1,234.50": None,
    "12,5,5": None,
    "two": None,
}


def test_numbers_with_a_decimal_comma_are_read_where_the_config_says_so(tmp_path: Path):
    rows = [f"A;2011-01-01;{text}" for text in WITH_COMMA]
    shop(tmp_path, "\n".join(["c;t;a", *rows, ""]))
    read = [row[2] for row in loaded(tmp_path, source(decimal_separator=","))]
    assert read == [text and Decimal(text) for text in WITH_COMMA.values()]
    assert loaded(tmp_path, source())[0][2] is None  # 2,55


def test_a_price_with_a_decimal_comma_is_multiplied_as_what_it_says(tmp_path: Path):
    shop(tmp_path, "c;t;q;p\nA;2011-01-01;3;1.000,10\nA;2011-01-01;1,5;2\n")
    named = Columns(customer_id="c", ordered_at="t", quantity="q", unit_price="p")
    read = loaded(tmp_path, source(columns=named, decimal_separator=","))
    assert [row[2] for row in read] == [Decimal("3000.3"), Decimal(3)]


def test_numbers_of_typed_columns_have_no_separator(tmp_path: Path):
    frame([line("A", date(2011, 12, 31), price=2.5)]).to_parquet(
        tmp_path / "typed.parquet", index=False
    )
    named = Columns(customer_id="customer_id", ordered_at="order_ts", amount="unit_price")
    config = source(files="*.parquet", columns=named, decimal_separator=",")
    assert loaded(tmp_path, config)[0][2] == Decimal("2.5")


def test_a_column_of_whole_numbers_with_point_zero_is_read_without_it(tmp_path: Path):
    shop(tmp_path, "c,t,a\n13085.0,2011-01-01,1\n,2011-01-01,1\n007.0,2011-01-01,1\n", "1.csv")
    shop(tmp_path, "c,t,a\n13085,2011-01-02,1\n", "2.csv")
    shop(tmp_path, "c,t,a\n1.0,2011-01-02,1\n1,2011-01-02,1\n", "3.csv")  # two ids stay two
    customers = [row[0] for row in loaded(tmp_path, source())]
    assert customers == ["13085", None, "007", "13085", "1.0", "1"]


def test_a_text_that_is_not_in_the_encoding_names_file_and_key(tmp_path: Path):
    shop(tmp_path, "c,t,a\nZoë,2011-01-01,1\n", encoding="latin-1")
    for encoding in ("utf-8", "ascii"):
        with pytest.raises(DataNotReadyError, match=r"shop.csv: .*source.encoding"):
            loaded(tmp_path, source(encoding=encoding))
    assert loaded(tmp_path, source(encoding="latin-1"))[0][0] == "Zoë"
    assert not list(tmp_path.glob("warehouse/.build/*"))


def test_another_format_or_encoding_reads_the_files_again(tmp_path: Path):
    shop(tmp_path, "c,t,a\nA,01/02/2011,1\n")
    with duckdb.connect() as con:
        first = source(timestamp_format="%d/%m/%Y")
        load_files(con, Home(tmp_path), first)
        assert is_up_to_date(con, Home(tmp_path), first)
        for other in (
            source(timestamp_format="%m/%d/%Y"),
            source(encoding="latin-1"),
            source(decimal_separator=","),
        ):
            assert not is_up_to_date(con, Home(tmp_path), other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"encoding": "rot13"},
        {"encoding": "x"},
        {"timestamp_format": "%Z"},
        {"decimal_separator": ";"},
    ],
)
def test_an_impossible_encoding_or_format_is_refused(wrong: dict[str, str]):
    with pytest.raises(ValidationError):
        source(**wrong)


def test_an_empty_template_value_is_replaced_in_its_line():
    template = (REPOSITORY / "config" / "model_config.yaml").read_text()
    text = config_text(template, source(timestamp_format="%d/%m/%Y"))
    (row,) = [row for row in text.splitlines() if "timestamp_format:" in row]
    assert row.startswith("  timestamp_format: '%d/%m/%Y'") or "%d/%m/%Y " in row
