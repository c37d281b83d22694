"""The values of a delivered file, as SQL of the rows of `raw.transactions`, each read safely.

What cannot be read becomes NULL and is kept as text in `unreadable`. A line that the rule of
dbt_project/macros/rejection_reason.sql refuses keeps the texts of its mapped cells in `delivered`.
"""

from datetime import date

import duckdb

from ml.delivery.batches import numbers_in_files
from ml.delivery.dbt_macros import rejection_rule
from ml.delivery.moments import Reading, day_and_time, moment_sql
from ml.delivery.number_texts import BLANKS, number_sql
from ml.delivery.opened_file import IDENTIFIERS, OpenFile, quoted
from ml.home.config import MOST_DECIMALS, CellValue, Source
from ml.warehouse.money_types import number_type

NUMBERS = ("quantity", "unit_price", "amount")
# smaller than half of what money of any home can hold: noise of a float, and no amount
NOISE = 0.5 * 10**-MOST_DECIMALS
TOO_SMALL = "amount too small"
# what the rule of refusals reads, with its type where a source does not map it
JUDGED = {
    "quantity": "decimal(18, 4)",
    "unit_price": "decimal(18, 4)",
    "parent_order_id": "varchar",
    "currency": "varchar",
}
SHOWN_LENGTH = 200
PARENT_CELLS = ("parent_order_id", "parent_text")


def lines(file: OpenFile, source: Source, file_id: int, loaded_on: date) -> str:
    """SQL of the rows of raw.transactions; path = $1. Lines that keep and drop leave out are not.

    Of files that are read together $2 is the list of their ids. loaded_on: local day of the load,
    after which a line is dated in the future.
    """
    values = _values(source, file)
    selected = ", ".join(f"{sql} as {ours}" for ours, sql in values.items())
    read = f"select *, {selected} from ({_read_cells(file, source, file_id)})"
    texts = ", ".join(
        f"'{ours}': left({_cell(ours)}::varchar, {SHOWN_LENGTH})"
        for ours in source.columns.delivered()
    )
    unmapped = "".join(
        f", cast(null as {kind}) as {ours}" for ours, kind in JUDGED.items() if ours not in values
    )
    written = {ours: ours for ours in values}
    if source.amount_is_order_total:
        written["amount"] = f"{_once_an_order('amount', 'order_id', 'file_row')} as amount"
    return (
        f"select file_id, file_row, {', '.join(written.values())},"
        f" case when {rejection_rule()} is not null then to_json({{{texts}}})::varchar end"
        f" as delivered from (select *, date '{loaded_on}' as loaded_on,"
        f" '{source.currency}' as file_currency{unmapped} from ({read}))"
    )


def left_out_lines(file: OpenFile, source: Source, file_id: int) -> str:
    """SQL of the rows of raw.left_out_lines: what keep and drop leave out, by value; path = $1.

    A line counts under the first column that leaves it out. The total of an order counts once, and
    not here where a line of the order is kept.
    """
    values = _values(source, file)
    amount = values["amount"]
    if source.amount_is_order_total:
        amount = _once_an_order(amount, values["order_id"], "place is not null, file_row")
    reasons = " ".join(
        f"when not ({kept}) then {position}"
        for position, (_, kept) in enumerate(_conditions(source))
    )
    columns = [column for column, _ in _conditions(source)]
    named = " ".join(
        f"when {position} then {_literal(column)}" for position, column in enumerate(columns)
    )
    shown = " ".join(
        f"when {position} then left(coalesce({_filter(column)}, ''), {SHOWN_LENGTH})"
        for position, column in enumerate(columns)
    )
    return (
        f"select file_id, case place {named} end as column_name,"
        f" case place {shown} end as value, count(*) as line_count, sum(money) as amount"
        f" from (select *, {amount} as money from (select *, case {reasons} end as place"
        f" from ({_read_cells(file, source, file_id, are_kept=False)})))"
        " where place is not null group by all order by all"
    )


def _once_an_order(amount: str, order: str, place: str) -> str:
    """SQL of an amount that is the total of an order: on the first of its lines, 0 on others."""
    number = f"row_number() over (partition by file_id, {order} order by {place})"
    return f"case when {order} is null or {number} = 1 then {amount} else 0 end"


def customer_cells(file: OpenFile, source: Source) -> str | None:
    """SQL of file_row, customer_id and its delivered text; None without that column.

    Besides order_id, and for refunds parent_order_id and its text; they are NULL where a source or
    a file has no such columns.
    """
    yours = source.columns.customer_id
    if yours not in file.types:
        return None
    cells = [
        f"{file.row_number} as file_row",
        f"{_identifier(file, source, 'customer_id', yours)} as customer_id",
        f"{quoted(yours)}::varchar as delivered_text",
    ]
    order, parent = source.columns.order_id, source.columns.parent_order_id
    if order in file.types and parent in file.types:
        cells += [
            f"{_identifier(file, source, 'order_id', order)} as order_id",
            f"{_identifier(file, source, 'parent_order_id', parent)} as parent_order_id",
            f"{quoted(parent)}::varchar as parent_text",
        ]
    else:
        cells += [f"null::varchar as {one}" for one in ("order_id", *PARENT_CELLS)]
    return f"select {', '.join(cells)} from {file.reader}"


def customers_as_read(source: Source, texts: list[str]) -> list[str]:
    """The ids that a load gives to customers who are written so in a file."""
    with duckdb.connect() as con:
        read = con.execute(
            f"select {_customer('written', source)} from (select unnest($1) as written)", [texts]
        )
        return [one for (one,) in read.fetchall()]


# The cells


def _cell(ours: str) -> str:
    """The name of a mapped cell: no delivered column can hide it."""
    return quoted(f"cell {ours}")


def _filter(column: str) -> str:
    return quoted(f"filter {column}")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _cells(file: OpenFile, source: Source, file_id: int) -> str:
    """SQL of the mapped cells as delivered and of the columns that keep and drop read."""
    delivered = source.columns.delivered()
    cells = [f"{quoted(yours)} as {_cell(ours)}" for ours, yours in delivered.items()]
    cells += [
        f"{_identifier(file, source, ours, delivered[ours])} as {quoted(f'id {ours}')}"
        for ours in IDENTIFIERS
        if ours in delivered
    ]
    for column in dict.fromkeys([*source.keep, *source.drop]):
        cells.append(f"{_tidy(f'{quoted(column)}::varchar')} as {_filter(column)}")
    numbered = f"{file_id} as file_id, {file.row_number} as file_row"
    read = f"select {numbered}, {', '.join(cells)} from {file.reader}"
    return numbers_in_files(read, file, "$2") if file.others else read


def _read_cells(file: OpenFile, source: Source, file_id: int, *, are_kept: bool = True) -> str:
    """SQL of the cells with what is read from them; of the lines that count, or of all."""
    selected = ", ".join(f"{sql} as {_reading(ours)}" for ours, sql in _read(source, file).items())
    kept = f" where {_is_kept(source)}" if are_kept and (source.keep or source.drop) else ""
    return f"select *, {selected} from ({_cells(file, source, file_id)}){kept}"


def _tidy(text: str) -> str:
    """SQL of a text without blanks around it; NULL when nothing else is in it."""
    return f"nullif(regexp_replace({text}, '^{BLANKS}+|{BLANKS}+$', '', 'g'), '')"


def _tidy_cell(ours: str) -> str:
    """SQL of the text of a mapped cell, tidy."""
    return _tidy(f"{_cell(ours)}::varchar")


def _conditions(source: Source) -> list[tuple[str, str]]:
    """The columns of keep and drop, each with SQL that says whether a line is kept by it."""
    kept = [(column, _is_one_of(column, values)) for column, values in source.keep.items()]
    return kept + [
        (column, f"not {_is_one_of(column, values)}") for column, values in source.drop.items()
    ]


def _is_kept(source: Source) -> str:
    return " and ".join(f"({kept})" for _, kept in _conditions(source))


def _is_one_of(column: str, values: list[CellValue]) -> str:
    """SQL that says whether a cell holds one of the values, upper and lower case being one."""
    named = ", ".join(_literal(text.casefold()) for text in map(value_text, values) if text)
    cell = _filter(column)
    found = f"coalesce(lower({cell}) in ({named}), false)" if named else "false"
    if all(map(value_text, values)):
        return found
    return f"({cell} is null or {found})"


def value_text(value: CellValue) -> str:
    """A value of keep or drop as the text of a cell; an empty cell is the empty text."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).strip()


# The values


def _read(source: Source, file: OpenFile) -> dict[str, str]:
    """SQL of what is read from the cells, each once, by the name of a column `read …`."""
    delivered = source.columns.delivered()
    read = {"ordered_at": _ordered_at(source, file)}
    for ours in delivered:
        if ours in NUMBERS or ours.startswith("deductions"):
            read[ours] = _number(source, file, ours, _type(source, ours))
    if "amount" not in delivered:
        # a price such as 10/3 is exact only as a product: round once, after it
        read |= {f"exact {one}": _number(source, file, one, "double") for one in NUMBERS[:2]}
    return read


def _reading(ours: str) -> str:
    return quoted(f"read {ours}")


def _values(source: Source, file: OpenFile) -> dict[str, str]:
    """SQL for each column of raw.transactions, by our name, over what was read."""
    delivered = source.columns.delivered()
    values = {ours: quoted(f"id {ours}") for ours in IDENTIFIERS if ours in delivered}
    if "parent_order_id" in values:
        # whose refund it is says the parent alone (parent_orders)
        parent = values["parent_order_id"]
        values["customer_id"] = f"case when {parent} is null then {values['customer_id']} end"
        values["order_id"] = f"coalesce({parent}, {values['order_id']})"
    values["ordered_at"] = _reading("ordered_at")
    values |= {ours: _reading(ours) for ours in NUMBERS if ours in delivered}
    if "currency" in delivered:
        values["currency"] = f"upper({_tidy_cell('currency')})"
    if "amount" not in delivered:
        product = f"{_reading('exact quantity')} * {_reading('exact unit_price')}"
        values["amount"] = f"try_cast({product} as {_type(source, 'amount')})"
        if source.take_negative_prices:
            values["quantity"], values["unit_price"] = _of_discount(values)
    elif source.columns.deductions:
        values["amount"] = _less_deductions(source)
    values["unreadable"] = _unreadable(source, file, values["amount"])
    return values


def _ordered_at(source: Source, file: OpenFile) -> str:
    day, kind = _cell("ordered_at"), file.types[source.columns.ordered_at]
    if source.columns.time_of_day is not None:
        time = source.columns.time_of_day
        day = day_and_time(day, kind, _cell("time_of_day"), file.types[time])
        kind = "VARCHAR"
    reading = Reading(source.timezone, source.timestamp_format, source.times_written_in)
    return moment_sql(day, kind, reading)


def _number(source: Source, file: OpenFile, ours: str, kind: str) -> str:
    """SQL of a mapped cell as a number of a SQL type; NULL where it is none."""
    cell = _cell(ours)
    if file.types[source.columns.delivered()[ours]] != "VARCHAR":
        return f"try_cast({cell} as {kind})"
    return number_sql(cell, source.decimal_separator, kind)


def _of_discount(values: dict[str, str]) -> tuple[str, str]:
    """Quantity and price of a discount line: a price of -5 is a piece of 5 taken back."""
    quantity, price = values["quantity"], values["unit_price"]
    return (
        f"case when {price} < 0 then -{quantity} else {quantity} end",
        f"abs({price})",
    )


def _less_deductions(source: Source) -> str:
    """SQL of the amount less its deductions.

    A deduction counts by its size: 5 and -5 are both taken off. An empty cell counts as 0 as long
    as one of them is filled.
    """
    names = [one for one in source.columns.delivered() if one.startswith("deductions")]
    filled = " or ".join(f"{_tidy_cell(one)} is not null" for one in ("amount", *names))
    parts = [_or_zero("amount"), *(f"abs({_or_zero(name)})" for name in names)]
    less = f"try_cast({' - '.join(parts)} as {_type(source, 'amount')})"
    return f"case when {filled} then {less} end"


def _or_zero(ours: str) -> str:
    """SQL of the number, 0 for an empty cell: NULL only where a text could not be read."""
    return f"case when {_tidy_cell(ours)} is null then 0 else {_reading(ours)} end"


def exact_amounts(file: OpenFile, source: Source) -> str:
    """SQL of the amounts of the lines that count, before they are rounded; path = $1."""
    exact = _exact_amount(source, file)
    return f"select {exact} as amount from ({_read_cells(file, source, 0)})"


def _exact_amount(source: Source, file: OpenFile) -> str:
    """SQL of the amount of a line as a double."""
    if "amount" not in source.columns.delivered():
        return f"{_reading('exact quantity')} * {_reading('exact unit_price')}"
    names = [one for one in source.columns.delivered() if one.startswith("deductions")]
    parts = [_number(source, file, name, "double") for name in ("amount", *names)]
    return " - ".join([parts[0], *(f"coalesce(abs({part}), 0)" for part in parts[1:])])


def _type(source: Source, ours: str) -> str:
    """The type of a number of a line; a deduction is money as the amount is."""
    return number_type("amount" if ours.startswith("deductions") else ours, source.money_decimals)


def _unreadable(source: Source, file: OpenFile, amount: str) -> str:
    """SQL for the text of values that became NULL, and of an amount that was rounded to 0.

    It is put together only where there is one.
    """
    delivered = source.columns.delivered()
    checked = {ours: _reading(ours) for ours in ("ordered_at", *NUMBERS) if ours in delivered}
    if deductions := [one for one in delivered if one.startswith("deductions")]:
        checked |= {ours: _or_zero(ours) for ours in ("amount", *deductions)}
    lost = ", ".join(
        f"case when {sql} is null then '{ours}=' || left({_cell(ours)}::varchar, {SHOWN_LENGTH})"
        " end"
        for ours, sql in checked.items()
    )
    any_lost = " or ".join(f"{sql} is null" for sql in checked.values())
    exact = _exact_amount(source, file)
    return (
        f"case when {any_lost} then nullif(concat_ws('; ', {lost}), '')"
        f" when {amount} = 0 then case when abs({exact}) > {NOISE}"
        f" then '{TOO_SMALL}=' || ({exact}) end end"
    )


def _identifier(file: OpenFile, source: Source, ours: str, yours: str) -> str:
    """SQL of an identifier as text, by one rule for all files.

    Whole numbers that came as floats lose their `.0`. Blanks around do not count. A customer id
    with an @ inside is an e-mail, in lower case. Leading zeros count unless the config says
    otherwise.
    """
    name, kind = quoted(yours), file.types[yours]
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return (
            f"case when {name} = trunc({name}) and abs({name}) < 9e15"
            f" then {name}::bigint::varchar else {name}::varchar end"
        )
    if kind != "VARCHAR":
        return f"{name}::varchar"
    text = f"left({name}, -2)" if yours in file.whole_numbers else name
    if ours == "customer_id":
        return _customer(text, source)
    if ours == "product_id" or source.columns.parent_order_id is None:
        return text
    # orders are found by their text: an order that is no refund names 0 or nothing as its parent
    return f"nullif({_tidy(text)}, '0')" if ours == "parent_order_id" else _tidy(text)


def _customer(text: str, source: Source) -> str:
    """SQL of a customer id by the rule of _identifier()."""
    # most ids need nothing: only those with an @ or something odd at an end go the long way
    odd = f"{text} < '!' or {text} >= chr(127) or unicode({text}[-1]) not between 33 and 126"
    tidy = f"coalesce({_tidy(text)}, '')"
    lower = f"case when {tidy} like '_%@_%' then lower({tidy}) else {tidy} end"
    read = f"case when contains({text}, '@') or {odd} then {lower} else {text} end"
    return f"regexp_replace({read}, '^0+([0-9])', '\\1')" if source.drop_leading_zeros else read
