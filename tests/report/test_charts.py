"""Places of the marks in the report's charts."""

import math
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.report import charts
from ml.report.scales import LogScale, Scale, apart, log_ticks, month_ticks, stacked, ticks


@given(start=st.floats(-10, 10), span=st.floats(1e-3, 1e9), most=st.integers(2, 8))
def test_ticks_lie_in_the_range_evenly_and_are_not_too_many(start: float, span: float, most: int):
    low = start * span
    found = ticks(low, low + span, most)
    steps = [later - earlier for earlier, later in pairwise(found)]
    assert len(found) <= most
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in found)
    assert steps == pytest.approx([steps[0]] * len(steps) if steps else [])


def test_ticks_are_round():
    assert ticks(0, 263_000, 4) == [0, 100_000, 200_000]
    assert ticks(-0.3, 0.8, 5) == [-0.25, 0, 0.25, 0.5, 0.75]


@given(low=st.floats(1e-3, 1e3), factor=st.floats(1.5, 1e5))
def test_logarithmic_ticks_lie_in_the_range(low: float, factor: float):
    assert all(low <= tick <= low * factor for tick in log_ticks(low, low * factor))


@given(first=st.dates(date(1990, 1, 1), date(2030, 1, 1)), days=st.integers(0, 3000))
def test_month_ticks_are_firsts_of_months_in_the_range(first: date, days: int):
    last = first + timedelta(days=days)
    found = month_ticks(first, last, 4)
    assert 1 <= len(found) <= 4
    assert all(first <= day <= last for day in found)
    assert found == [first] or all(day.day == 1 for day in found)


def test_month_ticks_leave_out_no_month_where_there_is_room_and_every_other_one_where_not():
    first, last = date(2011, 11, 15), date(2012, 4, 1)
    months = [date(2011, 12, 1), *(date(2012, month, 1) for month in range(1, 5))]
    assert month_ticks(first, last, 5) == months
    assert month_ticks(first, last, 4) == months[::2]


def test_a_scale_cuts_off_what_is_outside_and_centres_what_has_no_span():
    scale = Scale(0, 10, 100, 0)
    assert [scale(value) for value in (-5, 0, 5, 10, 20)] == [100, 100, 50, 0, 0]
    assert Scale(3, 3, 0, 10)(3) == 5


def test_equal_ratios_are_equally_far_apart_on_a_logarithmic_scale():
    scale = LogScale(0.25, 4, 0, 100)
    assert [scale(ratio) for ratio in (0.1, 0.25, 0.5, 1, 2, 4)] == [0, 0, 25, 50, 75, 100]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_labels_are_apart_and_end_where_they_should(places: list[float]):
    moved = apart(sorted(100 * place for place in places), 15, 100)
    gaps = [after - before for before, after in pairwise(moved)]
    assert all(gap >= 14.8 for gap in gaps)
    assert moved[-1] <= 100


def test_stacked_shares_fill_the_span_in_order():
    assert stacked([0.2, 0.3, 0.5], 0, 100) == [(0, 20), (20, 50), (50, 100)]


def batch(day: int, *, low: float, total: float, high: float, actual: float | None) -> charts.Row:
    return {
        "cutoff": date(2012, 1, day),
        "predicted_total": total,
        "predicted_total_low": low,
        "predicted_total_high": high,
        "actual_total": actual,
    }


def test_the_history_shows_a_revenue_that_is_above_its_interval():
    chart = charts.history([batch(1, low=80, total=100, high=120, actual=200)])
    assert chart is not None
    (mark,) = chart.marks
    assert mark.other is not None and mark.high is not None and mark.low is not None
    assert mark.other < mark.high < mark.y < mark.low
    assert mark.other >= 12


def test_the_history_has_room_for_a_window_that_lost_money():
    chart = charts.history([batch(1, low=0, total=10, high=20, actual=-30)])
    assert chart is not None
    assert chart.marks[0].other == 172


def change(day: int, value: float | None, threshold: float = 0.2) -> charts.Row:
    row = {"cutoff": date(2012, 1, day), "rmse_change": value, "rmse_threshold": threshold}
    return row | {"verdict": "ok"}


def test_a_change_beyond_its_threshold_is_drawn_beyond_the_line():
    chart = charts.changes(
        [change(1, 0.1), change(9, 0.3), change(20, None)], "rmse", threshold="rmse_threshold"
    )
    assert chart is not None
    threshold = float(chart.paths["threshold"].split()[0].split(",")[1])
    assert [mark.y < threshold for mark in chart.marks] == [False, True]


def test_a_change_without_bound_is_drawn_at_the_edge():
    chart = charts.changes([change(1, 40.0)], "rmse")
    assert chart is not None
    assert chart.marks[0].y == 12
    assert chart.marks[0].row["shown_change"] == 40


def tenth(stated: float, bought: float, standard_error: float = 0.01) -> charts.Row:
    row = {"tenth": 1, "customers": 100, "stated": stated, "bought": bought}
    return row | {"standard_error": standard_error}


def test_a_tenth_of_which_more_bought_than_was_stated_lies_above_the_line():
    chart = charts.reliability([tenth(0.8, 0.6), tenth(0.1, 0.2)])
    assert chart is not None
    (left, bottom), (right, top) = (
        (float(place) for place in point.strip("ML").split(","))
        for point in chart.paths["exact"].split()
    )
    for mark in chart.marks:
        line = bottom + (mark.x - left) / (right - left) * (top - bottom)
        assert (mark.y < line) == (mark.row["bought"] > mark.row["stated"])


def test_the_bar_of_a_tenth_holds_what_chance_explains():
    chart = charts.reliability([tenth(0.5, 0.51, 0.02), tenth(0.5, 0.55, 0.02)])
    assert chart is not None
    within, beyond = chart.marks
    assert within.low is not None and within.high is not None
    assert within.high <= within.y <= within.low
    assert beyond.high is not None and beyond.y < beyond.high


def test_a_window_that_nobody_was_expected_to_buy_in_is_drawn_too():
    chart = charts.reliability([tenth(0.0, 0.0, 0.0)])
    assert chart is not None and chart.marks[0].y == 238
    assert charts.reliability([]) is None


def test_windows_without_a_record_have_no_chart():
    assert charts.changes([change(1, None)], "rmse") is None


def test_logarithmic_changes_are_shown_as_shares():
    row = change(1, None) | {"level_change": math.log(1.5), "level_low": 0.0, "level_high": 9.0}
    chart = charts.changes([row], "level")
    assert chart is not None
    assert chart.marks[0].row["shown_change"] == pytest.approx(0.5)


def decile(number: int, predicted: float, actual: float) -> charts.Row:
    return {"decile": number, "predicted": predicted, "actual": actual, "customers": 5}


def test_a_tenth_that_brought_nothing_or_less_lies_at_the_edge_of_the_calibration():
    chart = charts.calibration([decile(1, 100, 90), decile(2, 10, 0), decile(3, 5, -20)])
    assert chart is not None
    assert [mark.other == charts.LEFT for mark in chart.marks] == [False, True, True]


def test_there_is_no_calibration_of_nothing():
    assert charts.calibration([]) is None
    assert charts.calibration([decile(1, 0, 0)]) is None


def test_tiers_without_revenue_have_no_bands():
    tier = {"customer_share": 1.0, "revenue_share": 0.0, "revenue": 0.0}
    assert charts.tier_bands([tier]) == []
    assert charts.tier_bands([]) == []


def test_a_portrait_leans_to_the_side_on_which_the_cluster_differs():
    cluster = {"many": 20.0, "few": 5.0, "none": None, "same": 10.0}
    found = charts.portrait(cluster, dict.fromkeys(cluster, 10.0), {name: name for name in cluster})
    assert [(one.start, one.end) for one in found] == [(50, 75), (25, 50), (50, 50), (50, 50)]


def test_the_heat_map_has_every_cell_and_is_strongest_where_the_figure_is_highest():
    rows = [
        {"history_months": 3, "pred_months": 3, "skill": 0.1},
        {"history_months": 6, "pred_months": 3, "skill": 0.3},
        {"history_months": 6, "pred_months": 6, "skill": None},
    ]
    table = charts.heat_map(rows, "skill")
    strengths = [[cell.strength for cell in cells.values()] for cells in table.values()]
    assert strengths == [[0, None], [1, None]]
    assert table[3][6].row is None
