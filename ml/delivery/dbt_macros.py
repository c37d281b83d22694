"""Macros of the dbt project that a load and a preview ask too, rendered without dbt.

They are Jinja over SQL, and every rule is written once, there.
"""

from functools import cache
from types import SimpleNamespace

import jinja2

from ml.home.config import MOST_DECIMALS
from ml.home.layout import REPOSITORY

MACROS = REPOSITORY / "dbt_project" / "macros"
READ_MACROS = (
    "rejection_reason",
    "estimated_amount",
    "windows",
    "lone_last_day",
    "customer_days",
    "doubt_limits",
    "doubts_of_refusals",
    "doubts_of_ids",
    "doubts_of_money",
    "doubts_of_days",
    "data_doubts",
)


def rendered(sql: str, **values: object) -> str:
    """SQL that calls macros of READ_MACROS, with what dbt would give to them."""
    macros = [(MACROS / f"{name}.sql").read_text(encoding="utf-8") for name in READ_MACROS]
    template = jinja2.Environment(autoescape=False).from_string("".join([*macros, sql]))
    return template.render(
        source=lambda schema, table: f"{schema}.{table}",
        target=SimpleNamespace(type="duckdb"),
        # wide enough for the money of any home
        money_decimals=lambda: MOST_DECIMALS,
        money_type=lambda: f"decimal(38, {MOST_DECIMALS})",
        **values,
    )


@cache
def rejection_rule() -> str:
    """The SQL that says why a line is refused, NULL if it is accepted."""
    return rendered("{{ rejection_reason() }}").strip()
