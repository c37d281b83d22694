"""What the name of a cluster says, with the figures of the batch behind each word."""

from dataclasses import dataclass

from ml.model.forecast.cluster_vocabulary import AGE, SAID, TENURE, behaviour_of, is_true_of
from ml.model.measures.by_customer_kind import NEW_CUSTOMER_DAYS
from ml.report.facts import Row


@dataclass(frozen=True)
class ClusterWord:
    """A word of a name: the cluster's median and that of all customers, in the unit of `behaviour`.

    remark: what is to be said where the word is not true in this batch, "" where it is; names are
    given at the training.
    """

    word: str
    behaviour: str
    said: str
    median: float
    everybody: float
    remark: str


def cluster_words(cluster_name: str, figures: dict[str, Row]) -> list[ClusterWord]:
    """The words of a name that speak of a behaviour, in their order.

    figures: by behaviour, rows of clv_cluster_behaviour of the cluster; empty for a batch of an
    earlier version, which says nothing of its names.
    """
    words = [word for word in cluster_name.lower().split(", ") if behaviour_of(word) in figures]
    return [_cluster_word(word, figures) for word in words]


def _cluster_word(word: str, figures: dict[str, Row]) -> ClusterWord:
    behaviour = behaviour_of(word)
    remark = ""
    if not _is_so(word, figures[behaviour]):
        remark = "does not set them apart in this batch"
        if behaviour == AGE:
            # earlier versions called people new by their first order in the history
            behaviour, remark = TENURE, "in the history alone, not in the whole log"
    row = figures[behaviour]
    return ClusterWord(
        word=word,
        behaviour=behaviour,
        said=SAID[behaviour],
        median=row["cluster_median"],
        everybody=row["overall_median"],
        remark=remark,
    )


def _is_so(word: str, row: Row) -> bool:
    return is_true_of(
        word, row["cluster_median"], row["overall_median"], new_days=NEW_CUSTOMER_DAYS
    )
