"""Groups of customers in words.

"Top 5%" alone would be read as all of the best 5 %: a value tier is said with the ranks it holds.
"""

import re
from collections.abc import Iterable

LABEL = re.compile(r"(Top|Bottom) (\d+(?:\.\d+)?)%")


def tier_with_range(value_tier: str, tiers: Iterable[str]) -> str:
    """A tier with the ranks it holds, in per cent of the customers from the best on.

    tiers: all tiers of the batch. The best tier says it already, and a text that is no tier stays
    as it is.

    >>> tier_with_range("Top 5%", ["Top 1%", "Top 5%", "Bottom 95%"])
    'Top 5% (1 to 5 %)'
    >>> tier_with_range("Bottom 95%", ["Top 1%", "Top 5%", "Bottom 95%"])
    'Bottom 95% (5 to 100 %)'
    >>> tier_with_range("Top 1%", ["Top 1%", "Top 5%", "Bottom 95%"])
    'Top 1%'
    """
    holds = tier_range(value_tier, tiers)
    return f"{value_tier} ({holds})" if holds else value_tier


def tier_range(value_tier: str, tiers: Iterable[str]) -> str:
    """`1 to 5 %`; nothing for the best tier and for what is no tier."""
    label = LABEL.fullmatch(value_tier)
    if label is None:
        return ""
    side, share = label[1], float(label[2])
    ends = [float(one[2]) for tier in tiers if (one := LABEL.fullmatch(tier)) and one[1] == "Top"]
    if side == "Bottom":
        return f"{100 - share:g} to 100 %"
    before = max((end for end in ends if end < share), default=0.0)
    return f"{before:g} to {share:g} %" if before else ""


def segment_in_words(kind: str, segment: str, tiers: Iterable[str] = ()) -> str:
    """A segment of drift_segments as a person says it; tiers: all value tiers of its window.

    >>> segment_in_words("tenure band", "first order 0 to 90 days ago")
    'customers with first order 0 to 90 days ago'
    >>> segment_in_words("value tier", "Top 5%", ["Top 1%", "Top 5%"])
    'value tier Top 5% (1 to 5 %)'
    """
    if kind.startswith("order-value"):
        return f"mean order value {segment}"
    if kind.startswith("tenure"):
        if segment.startswith("first order"):
            return f"customers with {segment}"
        # measured by an earlier version, which counted inside the history window
        return segment if segment.startswith("tenure") else f"tenure {segment}"
    return f"{kind} {tier_with_range(segment, tiers)}"
