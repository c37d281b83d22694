"""Which delivered column is which: guessed from names, checked against what the columns hold."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from ml.delivery.moments import can_be_moment, can_be_moment_number
from ml.delivery.number_texts import number_sql
from ml.home.errors import CallError

COLUMN_SAMPLE, MOMENT_SAMPLE = 1_000, 200
# names of shops, tills and public data sets, lower case without blanks and signs, likeliest first
WORDS = {
    "customer_id": (
        "customerid customerkey customernumber customerno customercode custid custno custkey"
        " clientid clientno userid memberid accountid accountno buyerid shopperid householdid"
        " householdkey loyaltyid personid contactid customeruniqueid customer cust client user"
        " member account buyer shopper household kundennummer kundennr kundenid kunde klantnummer"
        " clienteid idcliente cliente idclient numeroclient emailaddress email mail"
    ),
    "ordered_at": (
        "orderedat orderts ordertimestamp orderdatetime orderdate ordertime invoicedatetime"
        " invoicedate transactiontimestamp transactiondatetime transactiondate transactiontime"
        " transdate txndate purchasetimestamp orderpurchasetimestamp purchasedat purchasedate"
        " salesdate saledate solddate soldat receiptdate billdate billingdate eventtime createdat"
        " createddate datetime timestamp date time day ts bestelldatum rechnungsdatum buchungsdatum"
        " belegdatum datum datecommande fechapedido fecha data datetimeutc"
    ),
    "time_of_day": (
        "timeofday time ordertime saletime salestime transactiontime invoicetime uhrzeit heure hora"
    ),
    "order_id": (
        "orderid ordernumber orderno orderkey invoiceid invoiceno invoicenumber transactionid"
        " transactionno transid txnid basketid receiptid receiptno receiptnumber billno billid"
        " purchaseid saleid salesid cartid ticketid ticketno order invoice transaction basket"
        " receipt bill bestellnummer auftragsnummer rechnungsnummer belegnummer bonnummer"
        " numerocommande commande numeropedido pedido ordine"
    ),
    "parent_order_id": "parentorderid originalorderid refundedorderid parentorder originalorder",
    "product_id": (
        "productid productcode productkey productno sku skuid stockcode itemid itemcode itemno"
        " articleid articleno articlecode materialno upc ean asin product item article"
        " artikelnummer artikel produit producto"
    ),
    "quantity": (
        "quantity qty units unitssold unitcount itemcount pieces orderquantity orderqty"
        " salesquantity salesqty quantitysold qtysold numberofitems menge anzahl quantite cantidad"
        " quantita aantal"
    ),
    "unit_price": (
        "unitprice priceperunit priceeach pricepaid itemprice saleprice salesprice sellingprice"
        " listprice retailprice price einzelpreis stuckpreis preis prixunitaire prix precio prezzo"
        " prijs"
    ),
    "amount": (
        "amount netamount totalamount orderamount salesamount saleamount transactionamount"
        " paymentamount invoiceamount lineamount grossamount netrevenue revenue totalrevenue"
        " netsales sales salesvalue totalsales ordervalue linetotal ordertotal totalprice"
        " totalvalue turnover spend spent dollarvalue paymentvalue payment subtotal total"
        " value betrag nettobetrag umsatz nettoumsatz nettowert montant importe importo bedrag"
    ),
    "currency": (
        "currency currencycode ordercurrency paymentcurrency curr ccy waers waehrung wahrung"
        " devise moneda valuta"
    ),
}
SPELLINGS = {ours: words.split() for ours, words in WORDS.items()}
LEAST_LIKENESS = 0.84
LEAST_READABLE = 0.5
# columns that are only guessed by a known name: a similar one is not enough
KNOWN_ALONE = ("time_of_day", "parent_order_id", "currency")


@dataclass(frozen=True)
class Column:
    """What a delivered column holds, as shares of its filled cells.

    number_share, moment_share: they read as one. clock_share: times of the day alone, such as
    15:16. code_share: three letters. moment_number_share: numbers that can be moments.
    """

    name: str
    number_share: float
    moment_share: float
    has_fractions: bool
    moment_number_share: float = 0.0
    clock_share: float = 0.0
    code_share: float = 0.0
    has_times: bool = False


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
    number = number_sql(text, decimal_separator, "double")
    counts = (
        con.execute(
            f"select count({number}), count(*) filter ({number} = trunc({number})),"
            f" count(*) filter ({can_be_moment_number(text)}),"
            f" count(*) filter (regexp_full_match({text}, '[0-9]{{1,2}}:[0-9]{{2}}.{{0,12}}')),"
            f" count(*) filter (regexp_full_match({text}, '[A-Za-z]{{3}}')),"
            f" count(*) filter ({text} like '%:%'), count({text}) from sample"
        ).fetchone()
        or (0,) * 7
    )
    numbers, whole, moment_numbers, clocks, codes, times, filled = counts
    is_number = kind.startswith(("DECIMAL", "DOUBLE", "FLOAT"))
    share = max(filled, 1)
    return Column(
        name,
        number_share=numbers / share,
        moment_share=0.0 if is_number else _moment_share(con, text),
        moment_number_share=moment_numbers / share,
        clock_share=clocks / share,
        code_share=codes / share,
        has_fractions=whole < numbers,
        has_times=times > 0,
    )


def _moment_share(con: duckdb.DuckDBPyConnection, text: str) -> float:
    """Share of a sample of different texts that can be moments."""
    moments, filled = con.execute(
        f"select count(*) filter ({can_be_moment('text')}), count(*) from"
        f" (select distinct {text} as text from sample where {text} is not null"
        f" order by hash(text) limit {MOMENT_SAMPLE})"
    ).fetchone() or (0, 0)
    return moments / max(filled, 1)


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
    day = mapped.get("ordered_at")
    if "time_of_day" not in given and (day is None or free[day].has_times):
        mapped.pop("time_of_day", None)
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
    able = [column for column in columns if _can_be(ours, column, _likeness(ours, column))]
    liked = [(likeness, column.name) for column in able if (likeness := _likeness(ours, column))]
    if liked:
        return max(liked, key=lambda one: one[0])[1]
    if ours == "ordered_at" and len(able) == 1:
        return able[0].name
    fractions = [column.name for column in able if column.has_fractions]
    return fractions[0] if ours == "amount" and len(fractions) == 1 else None


def _can_be(ours: str, column: Column, likeness: float) -> bool:
    if ours == "ordered_at":
        # a number can be a moment, but only the name says that it is one
        is_number = likeness > 0 and column.moment_number_share >= LEAST_READABLE
        return column.moment_share >= LEAST_READABLE or is_number
    if ours == "time_of_day":
        return column.clock_share >= LEAST_READABLE
    if ours == "currency":
        return column.code_share >= LEAST_READABLE
    if ours in ("quantity", "unit_price", "amount"):
        return column.number_share >= LEAST_READABLE
    return True


def _likeness(ours: str, column: Column) -> float:
    """Above 2 for a known spelling (more for a likelier one), below 1 for a similar one, else 0."""
    # an accent is a sign of its own in this form, and goes
    name = re.sub(r"[^0-9a-z]", "", unicodedata.normalize("NFKD", column.name.casefold()))
    spellings = SPELLINGS[ours]
    if name in spellings:
        return 3 - spellings.index(name) / len(spellings)
    others = {one for other, names in SPELLINGS.items() if other != ours for one in names}
    if name in others:
        return 0.0
    if ours in KNOWN_ALONE:
        return 0.0
    near = difflib.get_close_matches(name, spellings, 1, cutoff=LEAST_LIKENESS)
    return difflib.SequenceMatcher(None, name, near[0]).ratio() if near else 0.0
