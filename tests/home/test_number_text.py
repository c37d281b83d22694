"""Numbers as text: one function for each way of writing them."""

from decimal import Decimal

import numpy as np
import pytest

from ml.home import number_text

NAN = float("nan")


def test_metrics_have_as_many_decimals_as_are_asked_for():
    assert [number_text.with_decimals(0.36055, digits) for digits in (3, 2)] == ["0.361", "0.36"]


def test_money_has_two_decimals_and_groups_whatever_its_type():
    amounts = [1234.5, Decimal("1234.5"), np.float64(1234.5), 0]
    shown = [number_text.money(one, "USD") for one in amounts]
    assert shown == ["$1,234.50"] * 3 + ["$0.00"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.000012, "0.000012"), (-0.0012345, "-0.00123"), (0.05, "0.05"), (1e-9, "0.000000001")],
)
def test_money_of_coins_is_never_written_as_nothing(value: float, text: str):
    plain = f"${text}".replace("$-", "-$")
    assert number_text.money(value, "USD") == number_text.total(value, "USD") == plain
    assert number_text.amount(value, "USD") == plain.replace("-", number_text.MINUS)
    assert number_text.three_digits(value) == text


@pytest.mark.parametrize(
    ("currency", "coins", "whole"),
    [
        ("USD", "$1,234.50", "$1,234"),
        ("EUR", "€1,234.50", "€1,234"),
        ("CHF", "CHF 1,234.50", "CHF 1,234"),
        ("JPY", "¥1,234", "¥1,234"),
        ("KWD", "KWD 1,234.500", "KWD 1,234"),
        ("XAF", "FCFA 1,234", "FCFA 1,234"),
        ("ZZZ", "ZZZ 1,234.50", "ZZZ 1,234"),
    ],
)
def test_every_amount_has_its_currency_and_its_groups(currency: str, coins: str, whole: str):
    assert number_text.money(1234.5, currency) == coins
    assert number_text.money(-1234.5, currency) == f"-{coins}"
    assert number_text.total(1234.4, currency) == whole
    assert number_text.amount(1234.4, currency) == whole.replace(" ", "\u00a0")
    assert number_text.worth(1234.5, currency) == f"worth {coins}"


@pytest.mark.parametrize(
    ("value", "text"), [(99.5, "$99.50"), (100, "$100"), (12345.6, "$12,346"), (0, "$0.00")]
)
def test_sums_of_money_are_whole_from_a_hundred_on(value: float, text: str):
    assert number_text.total(value, "USD") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(50_000, "$50K"), (1500, "$1.5K"), (-2e6, "−$2M"), (10, "$10"), (0, "$0"), (0.5, "$0.50")],
)
def test_axes_have_short_amounts(value: float, text: str):
    assert number_text.short_amount(value, "USD") == text


def test_a_part_of_a_yen_is_more_than_nothing():
    assert [number_text.money(one, "JPY") for one in (0.4, 0.004, 1)] == ["¥0.40", "¥0.004", "¥1"]


def test_figures_that_would_be_all_zeros_have_three_digits():
    assert number_text.with_decimals(0.000144) == "0.000144"
    assert number_text.by_size(0.000144) == "0.000144"


@pytest.mark.parametrize(
    ("value", "text"),
    [(9.9994, "9.999"), (10, "10.00"), (-12345.6, "-12,345.60"), (0.3605, "0.360"), (0, "0.000")],
)
def test_a_column_of_money_and_metrics_changes_at_ten(value: float, text: str):
    assert number_text.by_size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.36055, "0.361"),
        (12.345, "12.3"),
        (12.0, "12"),
        (123.45, "123"),
        (250.0, "250"),
        (1234.5, "1,234"),
        (-1234.5, "-1,234"),
        (0.0, "0"),
        (np.float64(0.001234), "0.00123"),
    ],
)
def test_three_digits_tell_enough(value: float, text: str):
    assert number_text.three_digits(value) == text


@pytest.mark.parametrize(
    ("now", "then", "text"),
    [(1.04, 1.0, "+4%"), (0.5, 1.0, "-50%"), (1.0, 0.0, ""), (1.0, -1.0, ""), (NAN, 1.0, "")],
)
def test_a_relative_change_needs_a_positive_value_before(now: float, then: float, text: str):
    assert number_text.relative_change(now, then) == text


@pytest.mark.parametrize("unknown", [None, NAN, np.float64("nan")])
def test_what_is_not_known_is_said_in_the_way_of_the_place(unknown: float | None):
    assert number_text.with_decimals(unknown) == "undefined"
    assert number_text.money(unknown, "USD") == number_text.by_size(unknown) == "-"
    assert number_text.three_digits(unknown) == number_text.written(unknown, "{:+.0%}") == "unknown"
    assert number_text.total(unknown, "USD") == "unknown"
    assert number_text.worth(unknown, "USD") == "worth unknown"
    assert number_text.amount(unknown, "USD") == "–"
    assert number_text.relative_change(1.0, unknown) == ""
