"""Names of clusters: words that are true of them, no two clusters by the same.

1. A word belongs to a behaviour. It says that the median customer of the cluster has more of it, or
   less, than the median of all customers, in plain units and by a quarter at least.
2. A cluster is called by the two words that tell it best from the others.
3. A column that is the same for everybody (no products in the log) has no word.
4. If all words of a cluster are true of another one by name, both get one word more, or the word
   they share says how much: "very frequent" and "fairly frequent".

Whether a customer is new is a question to the whole log: inside a history window everybody seems
young. Somebody who bought for the first time in it late, but ordered before it, is back after a
pause.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.model.forecast.cluster_vocabulary import (
    AGE,
    DEGREES,
    NEWER,
    TENURE,
    TYPICAL,
    UNEVEN,
    WORDS,
)

# a median that is so many times another one is told from it
MARGIN = 1.25
USUAL_LENGTH = 2


@dataclass(frozen=True)
class Meaning:
    """A word of a cluster's name and the figures behind it, in the unit of `column`.

    median: of the customers of the cluster; overall: of all. column is "" for a word without
    figures. strength: how far apart the two are, in standard deviations of the logarithm.
    """

    word: str
    column: str = ""
    median: float = 0.0
    overall: float = 0.0
    strength: float = 0.0

    @property
    def is_clear(self) -> bool:
        """Whether the two medians differ by the margin."""
        low, high = sorted((self.median, self.overall))
        return high > low * MARGIN


def name_of(meanings: Iterable[Meaning]) -> str:
    """The name that consists of these words.

    >>> name_of([Meaning("Frequent"), Meaning("Even-spending")])
    'Frequent, even-spending'
    """
    return ", ".join(meaning.word for meaning in meanings).capitalize()


def meanings_of(
    customers: pd.DataFrame,
    cluster: NDArray[np.intp],
    clusters: int,
    *,
    new_days: int,
    units: Mapping[str, float] = MappingProxyType({}),
) -> tuple[tuple[Meaning, ...], ...]:
    """The words of every cluster's name with their figures; a cluster without customers is typical.

    customers: the columns of WORDS, one row a customer; cluster: 0-based number of each. new_days:
    a customer whose first order in the whole log is at most so many days old is new. units: that
    of a column in which its logarithm is taken, 1 for the others.
    """
    candidates = [
        _candidates(customers, cluster == number, new_days=new_days, units=units)
        for number in range(clusters)
    ]
    chosen = [
        [one for one in mine if one.is_clear][:USUAL_LENGTH] or [Meaning(TYPICAL)]
        for mine in candidates
    ]
    while alike := _alike(chosen):
        _tell_apart(chosen, alike, candidates)
    return tuple(tuple(mine) for mine in chosen)


def _candidates(
    customers: pd.DataFrame,
    members: NDArray[np.bool_],
    *,
    new_days: int,
    units: Mapping[str, float],
) -> list[Meaning]:
    """Every word that is true of the members, the strongest first."""
    if not members.any():
        return []
    found = []
    for column in WORDS:
        values = customers[column].to_numpy(dtype=float, na_value=0.0)
        median, overall = float(np.median(values[members])), float(np.median(values))
        word = _word(column, median, overall, new_days=new_days)
        if column == TENURE and not _ordered_before(customers[members]):
            word = ""
        unit = units.get(column, 1.0)
        spread = float(np.log1p(np.maximum(values, 0) / unit).std())
        if word and spread > 0:
            distance = abs(np.log1p(max(median, 0) / unit) - np.log1p(max(overall, 0) / unit))
            found.append(Meaning(word, column, median, overall, float(distance / spread)))
    return sorted(found, key=lambda one: -one.strength)


def _word(column: str, median: float, overall: float, *, new_days: int) -> str:
    """What a median says beside that of all customers; "" where they are equal."""
    if median == overall:
        return ""
    word = WORDS[column][0 if median > overall else 1]
    if word == "New" and median > new_days:
        return NEWER
    if word == "One-off" and median < 1:
        return UNEVEN
    return word


def _ordered_before(customers: pd.DataFrame) -> bool:
    """Whether most of the customers ordered before the history window."""
    return bool((customers[AGE] > customers[TENURE]).mean() > 0.5)


def _alike(chosen: list[list[Meaning]]) -> list[int]:
    """The first cluster whose words another one has too, and all such; empty if there is none."""
    sets = [frozenset(one.word.lower() for one in mine) for mine in chosen]
    for mine in sets:
        alike = [place for place, other in enumerate(sets) if mine <= other or other <= mine]
        if len(alike) > 1:
            return alike
    return []


def _tell_apart(
    chosen: list[list[Meaning]], alike: list[int], candidates: list[list[Meaning]]
) -> None:
    """Change the words of clusters that are alike: a word more, a degree, else a number."""
    if _add_opposite(chosen, alike, candidates) or _add_degree(chosen, alike):
        return
    for number, place in enumerate(alike, 1):
        chosen[place].append(Meaning(f"kind {number}"))


def _add_opposite(
    chosen: list[list[Meaning]], alike: list[int], candidates: list[list[Meaning]]
) -> bool:
    """Give each the word of the behaviour in which they are most clearly opposed."""
    best: dict[int, Meaning] = {}
    for column in WORDS:
        words = {
            place: one
            for place in alike
            for one in candidates[place]
            if one.column == column and one.is_clear
        }
        is_new = all(one.column != column for place in alike for one in chosen[place])
        is_opposed = len(words) == len(alike) and len({one.word for one in words.values()}) > 1
        if is_new and is_opposed and _weakest(words) > _weakest(best):
            best = words
    for place, one in best.items():
        chosen[place].append(one)
    return bool(best)


def _weakest(words: dict[int, Meaning]) -> float:
    return min((one.strength for one in words.values()), default=-1.0)


def _add_degree(chosen: list[list[Meaning]], alike: list[int]) -> bool:
    """Say very or fairly of a word that all share, wherever in the batch it stands."""
    widest, split, shared = 1.0, 0.0, ""
    for word in {one.word for one in chosen[alike[0]] if one.column not in ("", TENURE)}:
        mine = [one for place in alike for one in chosen[place] if one.word == word]
        medians = sorted(one.median for one in mine)
        # of a word with a blank there is no degree: it has one, or is more than an adjective
        if len(mine) < len(alike) or " " in word:
            continue
        for lower, upper in pairwise(medians):
            ratio = (1 + upper) / (1 + lower)
            if (ratio, word) > (widest, shared) and ratio > 1:
                widest, split, shared = ratio, (lower + upper) / 2, word
    if not shared:
        return False
    for mine in chosen:
        mine[:] = [_of_degree(one, split) if one.word == shared else one for one in mine]
    return True


def _of_degree(meaning: Meaning, split: float) -> Meaning:
    """The word with its degree: very on the far side of the split from all customers."""
    very, fairly = DEGREES
    is_far = (meaning.median > split) == (meaning.median > meaning.overall)
    return replace(meaning, word=f"{very if is_far else fairly}{meaning.word.lower()}".capitalize())
