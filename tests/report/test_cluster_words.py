"""The words of a cluster's name beside the figures of a batch, and what is said where they fail."""

from typing import Any

from ml.report.cluster_words import cluster_words


def figures(**medians: tuple[float, float]) -> dict[str, dict[str, Any]]:
    """Rows of clv_cluster_behaviour: column -> median of the cluster, of all customers."""
    return {
        column: {"cluster_median": mine, "overall_median": everybody}
        for column, (mine, everybody) in medians.items()
    }


def test_every_word_with_a_figure_is_told_in_the_order_of_the_name():
    told = cluster_words(
        "Frequent, very recent, kind 2",
        figures(recency_days=(5, 40), purchase_day_count=(6, 2), mean_order_value=(9, 9)),
    )
    assert [(one.word, one.median, one.everybody, one.remark) for one in told] == [
        ("frequent", 6, 2, ""),
        ("very recent", 5, 40, ""),
    ]


def test_a_word_that_is_no_longer_true_says_so():
    (told,) = cluster_words("Recent", figures(recency_days=(40, 40)))
    assert told.remark == "does not set them apart in this batch"


def test_a_name_of_an_earlier_version_says_that_it_is_of_the_history_alone():
    ages = figures(customer_age_days=(494, 494), tenure_days=(20, 117))
    (told,) = cluster_words("New", ages)
    assert (told.behaviour, told.median) == ("tenure_days", 20)
    assert told.remark == "in the history alone, not in the whole log"


def test_words_of_earlier_versions_have_their_figures():
    (told,) = cluster_words("Returning goods", figures(returned_revenue_share=(0.3, 0.0)))
    assert (told.median, told.remark) == (0.3, "")


def test_a_batch_of_an_earlier_version_tells_no_word():
    assert cluster_words("Frequent, recent", {}) == []
