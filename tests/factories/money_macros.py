"""Macros of the dbt project rendered without dbt: what they are told of the money of a home."""

from pathlib import Path

import jinja2

IN_WORDS = Path(__file__).parents[2] / "dbt_project" / "macros" / "money_in_words.sql"


def of_money(environment: jinja2.Environment, decimals: int = 4) -> jinja2.Environment:
    """The environment with the macros of money.sql, which need dbt, for so many decimals."""
    environment.globals |= {
        "money_decimals": lambda: decimals,
        "money_type": lambda: f"decimal(38, {decimals})",
    }
    words = environment.from_string(IN_WORDS.read_text()).module
    environment.globals["money_in_words"] = vars(words)["money_in_words"]
    return environment
