"""The values of a delivered file, as SQL of the rows of `raw.transactions`, each read safely.

What cannot be read becomes NULL and is kept as text in `unreadable`.
"""

from ml.delivery.decimal_numbers import number_sql
from ml.delivery.opened_file import IDENTIFIERS, OpenFile, quoted
from ml.home.config import MOST_DECIMALS, Source
from ml.warehouse.money_types import number_type

NUMBERS = ("quantity", "unit_price", "amount")
# smaller than half of what money of any home can hold: noise of a float, and no amount
NOISE = 0.5 * 10**-MOST_DECIMALS
TOO_SMALL = "amount too small"
FORMATTED = ("VARCHAR", "INTEGER", "BIGINT")


def lines(file: OpenFile, source: Source, file_id: int) -> str:
    """SQL of the rows of raw.transactions; path = $1."""
    values = _columns(source, file)
    selected = ", ".join(f"{sql} as {ours}" for ours, sql in values.items())
    return (
        f"select {file_id} as file_id, {file.row_number} as file_row, {selected} from {file.reader}"
    )


def customer_cells(file: OpenFile, source: Source) -> str | None:
    """SQL of file_row, customer_id and its delivered text; None without that column."""
    yours = source.columns.customer_id
    if yours not in file.types:
        return None
    return (
        f"select {file.row_number} as file_row, {identifier(file, yours)} as customer_id,"
        f" {quoted(yours)}::varchar as delivered_text from {file.reader}"
    )


def identifier(file: OpenFile, column: str) -> str:
    """SQL of an identifier as text; whole numbers that came as floats lose their `.0`."""
    name = quoted(column)
    if column in file.whole_numbers:
        return f"left({name}, -2)"
    if file.types[column] in ("DOUBLE", "FLOAT"):
        return (
            f"case when {name} = trunc({name}) and abs({name}) < 9e15"
            f" then {name}::bigint::varchar else {name}::varchar end"
        )
    return f"{name}::varchar"


def _columns(source: Source, file: OpenFile) -> dict[str, str]:
    """SQL for each column of raw.transactions, by our name."""
    delivered = source.columns.delivered()
    read: dict[str, str] = {}

    for ours, yours in delivered.items():
        if ours in IDENTIFIERS:
            read[ours] = identifier(file, yours)
        elif ours in NUMBERS:
            kind = number_type(ours, source.money_decimals)
            read[ours] = f"try_cast({_number(file, source, yours)} as {kind})"
        else:
            read[ours] = _local_time(quoted(yours), file.types[yours], source)
    values = dict(read)
    if "amount" not in read:
        product = amount_as_double(file, source)
        values["amount"] = f"try_cast({product} as {number_type('amount', source.money_decimals)})"
    checked = {ours: sql for ours, sql in read.items() if ours not in IDENTIFIERS}
    unreadable, too_small = _unreadable(checked, delivered), _too_small(file, source, values)
    values["unreadable"] = f"coalesce({unreadable}, {too_small})"
    return values


def amount_as_double(file: OpenFile, source: Source) -> str:
    """SQL of the amount of a line before it is rounded to the decimals of the home."""
    delivered = source.columns.delivered()
    names = ("amount",) if "amount" in delivered else ("quantity", "unit_price")
    # a price such as 10/3 is exact only as a product: round once, after it
    return " * ".join(
        f"try_cast({_number(file, source, delivered[name])} as double)" for name in names
    )


def _number(file: OpenFile, source: Source, yours: str) -> str:
    is_text = file.types[yours] == "VARCHAR"
    return number_sql(quoted(yours), source.decimal_separator if is_text else ".")


def _too_small(file: OpenFile, source: Source, values: dict[str, str]) -> str:
    """SQL for the text of an amount that is 0 only because it was rounded."""
    amount = amount_as_double(file, source)
    return (
        f"case when {values['amount']} = 0 then case when abs({amount}) > {NOISE}"
        f" then '{TOO_SMALL}=' || ({amount}) end end"
    )


def _unreadable(read: dict[str, str], delivered: dict[str, str]) -> str:
    """SQL for the text of values that became NULL; put together only where there is one."""
    lost = ", ".join(
        f"case when {sql} is null then '{ours}=' || left({quoted(delivered[ours])}::varchar, 200)"
        " end"
        for ours, sql in read.items()
    )
    any_lost = " or ".join(f"{sql} is null" for sql in read.values())
    return f"case when {any_lost} then nullif(concat_ws('; ', {lost}), '') end"


def _local_time(column: str, kind: str, source: Source) -> str:
    """SQL of the local time in the zone; text with an offset is converted, other text is local."""
    zone = source.timezone.replace("'", "''")
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('{zone}', {column})"
    if source.timestamp_format is not None and kind in FORMATTED:
        # a text of year, month and day in ISO order is never read otherwise
        form = source.timestamp_format.replace("'", "''")
        iso = _local_time(column, kind, source.model_copy(update={"timestamp_format": None}))
        return f"coalesce(try_strptime({column}::varchar, '{form}'), {iso})"
    if kind != "VARCHAR":
        return f"try_cast({column} as timestamp)"
    # a cast to timestamp would drop what follows the time
    offset = r"(?i)[0-9]\s*(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)\s*$"
    return (
        f"case when {column} like '%:%' and regexp_matches({column}, '{offset}')"
        f" then timezone('{zone}', try_cast({column} as timestamptz))"
        f" else try_cast({column} as timestamp) end"
    )
