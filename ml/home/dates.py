"""Cutoffs, windows and the calendar: the date arithmetic of the engine, pure functions."""

import re
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from ml.home.errors import CallError

EARLY_DAYS = 84
EARLY_STEP_DAYS = 14
LATER_STEP_DAYS = 30


def parse_day(text: str, name: str) -> date:
    """The day written as YYYY-MM-DD. Raises CallError naming `name` and the text."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise CallError(
        f"{name} {text!r} is not a valid date", "write it as YYYY-MM-DD, for example 2021-12-31"
    )


def history_start(cutoff: date, history_months: int) -> date:
    """First day of the history window `[B - history_months, B)`, B the day after the cutoff."""
    return cutoff + timedelta(days=1) - relativedelta(months=history_months)


def window_end(cutoff: date, pred_months: int) -> date:
    """Last day of the label window `[B, B + pred_months)`, B the day after the cutoff."""
    return cutoff + timedelta(days=1) + relativedelta(months=pred_months) - timedelta(days=1)


def next_cutoff(last_cutoff: date, first_scored_cutoff: date | None) -> date:
    """The cutoff after `last_cutoff`.

    14 days on while the champion is in its first 84 days after its first scored cutoff
    (or has not scored yet), else 30 days on.
    """
    early = first_scored_cutoff is None or last_cutoff < first_scored_cutoff + timedelta(
        days=EARLY_DAYS
    )
    return last_cutoff + timedelta(days=EARLY_STEP_DAYS if early else LATER_STEP_DAYS)
