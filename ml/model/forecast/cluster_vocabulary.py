"""The words that names of clusters consist of: what each speaks of, and when it is true.

Pages read it as well, so it imports nothing.
"""

AGE = "customer_age_days"
TENURE = "tenure_days"
# behaviour column -> (word for a high median, word for a low median); "" is no word
WORDS = {
    "recency_days": ("Lapsed", "Recent"),
    AGE: ("Long-standing", "New"),
    TENURE: ("", "Back after a pause"),
    "purchase_day_count": ("Frequent", "Occasional"),
    "mean_order_value": ("Big-basket", "Small-basket"),
    "returned_revenue_share": ("Return-prone", "Keeping goods"),
    "mean_product_count": ("Broad-range", "Narrow-range"),
    "max_day_revenue_share": ("One-off", "Even-spending"),
}
# behaviour column -> how its figure is said
SAID = {
    "recency_days": "days since last order",
    AGE: "days since first order",
    TENURE: "days since first order in the history",
    "purchase_day_count": "days with an order",
    "mean_order_value": "mean order value",
    "returned_revenue_share": "of revenue returned",
    "mean_product_count": "products a day with an order",
    "max_day_revenue_share": "of revenue on the largest day",
}
# younger than most, and not new
NEWER = "Newer"
# most of the money on one day of several
UNEVEN = "Uneven-spending"
TYPICAL = "Typical"
DEGREES = ("very ", "fairly ")
# words of early artefacts; these counted new and long-standing inside the history window
EARLY_WORDS = {"returning goods": "returned_revenue_share"}


def behaviour_of(word: str) -> str:
    """The column that a word of a name speaks of, "" for a word without figures.

    >>> behaviour_of("Very frequent"), behaviour_of("typical")
    ('purchase_day_count', '')
    """
    plain = _plain(word)
    of_words = {one.lower(): column for column, words in WORDS.items() for one in words if one}
    of_words |= {NEWER.lower(): AGE, UNEVEN.lower(): "max_day_revenue_share"}
    return (of_words | EARLY_WORDS).get(plain, "")


def is_true_of(word: str, median: float, overall: float, *, new_days: int) -> bool:
    """Whether the medians of a cluster and of all customers still say what the word says."""
    plain = _plain(word)
    if plain == "new" and median > new_days:
        return False
    lows = {low.lower() for _, low in WORDS.values()} | {NEWER.lower()}
    return median < overall if plain in lows else median > overall


def _plain(word: str) -> str:
    """The word in lower case and without its degree."""
    plain = word.lower()
    for degree in DEGREES:
        plain = plain.removeprefix(degree)
    return plain
