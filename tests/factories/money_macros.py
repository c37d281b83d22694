"""Macros of the dbt project rendered without dbt: what they are told of the money of a home."""

import jinja2


def of_money(environment: jinja2.Environment, decimals: int = 4) -> jinja2.Environment:
    """The environment with the macros of money.sql, which need dbt, for so many decimals."""
    environment.globals |= {
        "money_decimals": lambda: decimals,
        "money_type": lambda: f"decimal(38, {decimals})",
        "money_format": lambda: f"%.{decimals if decimals > 4 else 0}f",
    }
    return environment
