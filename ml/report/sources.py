"""Where a figure of the report comes from: the query behind it, as it can be run by hand."""

import re
from collections.abc import Mapping
from datetime import date

from ml.warehouse.queries import Queries

Value = date | str | int
QUERIES = Queries(__file__)


def runnable(query: str, values: Mapping[str, Value]) -> str:
    """A query of ml/report/queries with its values in their places.

    Raises KeyError for a value that is not given.
    """
    return re.sub(r"\$(\w+)", lambda name: literal(values[name[1]]), QUERIES[query]).strip()


def literal(value: Value) -> str:
    """A value as SQL writes it.

    >>> literal("Top 1%"), literal("O'Neill"), literal(date(1998, 6, 23)), literal(50)
    ("'Top 1%'", "'O''Neill'", "date '1998-06-23'", '50')
    """
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return f"date '{value}'"
    return "'" + value.replace("'", "''") + "'"
