"""Which delivered column is which: guessed from names, checked against what the columns hold."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

import duckdb

from ml.delivery.decimal_numbers import number_sql
from ml.home.errors import CallError

COLUMN_SAMPLE, FORMAT_SAMPLE = 1_000, 10_000
# names of shops, tills and public data sets, lower case without blanks and signs, likeliest first
WORDS = {
    "customer_id": (
        "customerid customerkey customernumber customerno customercode custid custno custkey"
        " clientid clientno userid memberid accountid accountno buyerid shopperid householdid"
        " householdkey loyaltyid personid contactid customeruniqueid customer cust client user"
        " member account buyer shopper household"
    ),
    "ordered_at": (
        "orderedat orderts ordertimestamp orderdatetime orderdate ordertime invoicedatetime"
        " invoicedate transactiontimestamp transactiondatetime transactiondate transactiontime"
        " transdate txndate purchasetimestamp orderpurchasetimestamp purchasedat purchasedate"
        " salesdate saledate solddate soldat receiptdate billdate billingdate eventtime createdat"
        " createddate datetime timestamp date time day ts"
    ),
    "order_id": (
        "orderid ordernumber orderno orderkey invoiceid invoiceno invoicenumber transactionid"
        " transactionno transid txnid basketid receiptid receiptno receiptnumber billno billid"
        " purchaseid saleid salesid cartid ticketid ticketno order invoice transaction basket"
        " receipt bill"
    ),
    "product_id": (
        "productid productcode productkey productno sku skuid stockcode itemid itemcode itemno"
        " articleid articleno articlecode materialno upc ean asin product item article"
    ),
    "quantity": (
        "quantity qty units unitssold unitcount itemcount pieces orderquantity orderqty"
        " salesquantity salesqty quantitysold qtysold numberofitems"
    ),
    "unit_price": (
        "unitprice priceperunit priceeach pricepaid itemprice saleprice salesprice sellingprice"
        " listprice retailprice price"
    ),
    "amount": (
        "amount netamount totalamount orderamount salesamount saleamount transactionamount"
        " paymentamount invoiceamount lineamount grossamount netrevenue revenue totalrevenue"
        " netsales sales salesvalue totalsales ordervalue linetotal ordertotal totalprice"
        " totalvalue turnover spend spent dollarvalue paymentvalue payment subtotal total"
        " value"
    ),
}
SPELLINGS = {ours: words.split() for ours, words in WORDS.items()}
LEAST_LIKENESS = 0.84
LEAST_READABLE = 0.5
DAYS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d", "%Y.%m.%d")
DAYS += ("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y")
DAYS += ("%b %d, %Y", "%B %d, %Y")
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S.%f", "T%H:%M:%S")
FORMATS = tuple(day + time for day, time in product(DAYS, TIMES))


@dataclass(frozen=True)
class Column:
    """What a delivered column holds: shares of its filled cells that read as number and as time."""

    name: str
    number_share: float
    time_share: float
    has_fractions: bool


@dataclass(frozen=True)
class Formats:
    """How the times of a column can be read: the format (None: ISO), rivals that read as many."""

    best: str | None
    rivals: tuple[str, ...]

    @property
    def possible(self) -> tuple[str, ...]:
        return () if self.best is None else (self.best, *self.rivals)


def columns_of(rows: duckdb.DuckDBPyRelation, decimal_separator: str) -> list[Column]:
    """What the columns of a file hold, by its first rows, in their order."""
    kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
    sample = rows.limit(COLUMN_SAMPLE).to_arrow_table()
    with duckdb.connect() as con:
        con.register("sample", sample)
        return [
            _column(con, name, kind, decimal_separator if kind == "VARCHAR" else ".")
            for name, kind in kinds.items()
        ]


def _column(con: duckdb.DuckDBPyConnection, name: str, kind: str, decimal_separator: str) -> Column:
    text = f"nullif(trim(\"{name.replace(chr(34), chr(34) * 2)}\"::varchar), '')"
    times = " or ".join(f"{_year_of(text, form)} >= 1970" for form in FORMATS)
    number = number_sql(text, decimal_separator)
    numbers, moments, whole, filled = con.execute(
        f"select count(try_cast({number} as decimal(38, 10))),"
        f" count(*) filter (try_cast({text} as timestamp) is not null or {times}),"
        f" count(*) filter (try_cast({number} as double) = trunc(try_cast({number} as double))),"
        f" count({text}) from sample"
    ).fetchone() or (0, 0, 0, 0)
    is_number = kind.startswith(("DECIMAL", "DOUBLE", "FLOAT"))
    share = max(filled, 1)
    return Column(
        name,
        number_share=numbers / share,
        time_share=0.0 if is_number else moments / share,
        has_fractions=whole < numbers,
    )


def guess_columns(columns: Iterable[Column], given: Mapping[str, str]) -> dict[str, str]:
    """Our names to delivered names: those `given`, and the likeliest of the others.

    Money is quantity and unit_price when both are there, else amount. Raises CallError for a
    given column that is not there.
    """
    free = {column.name: column for column in columns}
    known = list(free)
    for ours, yours in given.items():
        if yours not in free:
            near = difflib.get_close_matches(yours, known, 1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"the file has {', '.join(known)}"
            raise CallError(f"--{ours.replace('_', '-')} {yours!r}: no such column", hint)
    mapped = dict(given)
    for ours in SPELLINGS:
        taken = set(mapped.values())
        left = [column for column in free.values() if column.name not in taken]
        if ours not in mapped and (likeliest := _likeliest(ours, left)) is not None:
            mapped[ours] = likeliest
    return _money_once(mapped, given)


def _money_once(mapped: dict[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """A price without quantity is what the line cost; a price and an amount exclude each other."""
    columns = dict(mapped)
    if "unit_price" in columns and "quantity" not in columns and "unit_price" not in given:
        price = columns.pop("unit_price")
        columns.setdefault("amount", price)
    if "unit_price" in columns and "amount" in columns:
        del columns["unit_price" if "amount" in given else "amount"]
    return {ours: columns[ours] for ours in SPELLINGS if ours in columns}


def _likeliest(ours: str, columns: list[Column]) -> str | None:
    """The delivered name most like a spelling of ours, of the columns that can hold it."""
    able = [column for column in columns if _can_be(ours, column)]
    liked = [(likeness, column.name) for column in able if (likeness := _likeness(ours, column))]
    if liked:
        return max(liked, key=lambda one: one[0])[1]
    if ours == "ordered_at" and len(able) == 1:
        return able[0].name
    fractions = [column.name for column in able if column.has_fractions]
    return fractions[0] if ours == "amount" and len(fractions) == 1 else None


def _can_be(ours: str, column: Column) -> bool:
    if ours == "ordered_at":
        return column.time_share >= LEAST_READABLE
    if ours in ("quantity", "unit_price", "amount"):
        return column.number_share >= LEAST_READABLE
    return True


def _likeness(ours: str, column: Column) -> float:
    """Above 2 for a known spelling (more for a likelier one), below 1 for a similar one, else 0."""
    name = re.sub(r"[^0-9a-z]", "", column.name.casefold())
    spellings = SPELLINGS[ours]
    if name in spellings:
        return 3 - spellings.index(name) / len(spellings)
    others = {one for other, names in SPELLINGS.items() if other != ours for one in names}
    if name in others:
        return 0.0
    near = difflib.get_close_matches(name, spellings, 1, cutoff=LEAST_LIKENESS)
    return difflib.SequenceMatcher(None, name, near[0]).ratio() if near else 0.0


def time_formats(rows: duckdb.DuckDBPyRelation, column: str) -> Formats:
    """How the times of a text column can be read, by all of its rows.

    A format that reads no row of the first FORMAT_SAMPLE is not tried on the rest. ISO wins a tie.
    """
    text = '"' + column.replace('"', '""') + '"'
    kind = str(rows.types[rows.columns.index(column)])
    if kind not in ("VARCHAR", "INTEGER", "BIGINT"):
        return Formats(None, ())
    text = f"{text}::varchar"
    sampled = _readable(rows.limit(FORMAT_SAMPLE), text, (None, *FORMATS))
    tried = tuple(form for form, count in sampled.items() if count)
    counts = _readable(rows, text, tried or (None,))
    best = max(counts, key=lambda form: counts[form])
    rivals = tuple(
        form for form in counts if form and form != best and counts[form] == counts[best]
    )
    return Formats(best, rivals if best is not None else ())


def in_common(read: list[Formats]) -> Formats:
    """How the times of several files can be read by one format; files in ISO agree with any.

    Raises CallError when no format reads all files.
    """
    others = [formats for formats in read if formats.best is not None]
    if not others:
        return Formats(None, ())
    possible = [form for form in others[0].possible if all(form in one.possible for one in others)]
    if not possible:
        found = ", ".join(sorted({str(one.best) for one in others}))
        raise CallError(
            f"the times of the files are written differently ({found})",
            "deliver all files in one format",
        )
    return Formats(possible[0], tuple(possible[1:]))


def _readable(
    rows: duckdb.DuckDBPyRelation, text: str, formats: tuple[str | None, ...]
) -> dict[str | None, int]:
    """How many rows each format reads as a day since 1970; None is ISO."""
    counted = ", ".join(
        f"count(*) filter ({_year_of(text, form)} >= 1970)"
        if form
        else f"count(try_cast({text} as timestamp))"
        for form in formats
    )
    return dict(zip(formats, rows.aggregate(counted).fetchone() or (), strict=True))


def _year_of(text: str, form: str) -> str:
    return f"year(try_strptime({text}, '{form}'))"
