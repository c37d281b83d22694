"""Money of any size: lines of rial, coins of 10^-6, sums that no DECIMAL(18) holds."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import CUTOFF, EngineHome, transaction_log

from ml.delivery.init import InitOptions, init
from ml.home.layout import Home

MakeHome = Callable[..., EngineHome]
HEADER = "customer_id,order_id,order_ts,product_id,quantity,unit_price\n"
SUMS = "select max(net_revenue), any_value(typeof(net_revenue)) from intermediate.int_customer_days"


def deliver(home: EngineHome, *cells: tuple[str, str]) -> None:
    """One line of one customer and day for each quantity and unit price."""
    lines = [f"C1,O1,2011-07-01 10:00:00,P1,{quantity},{price}\n" for quantity, price in cells]
    (home.raw / "log.csv").write_text(HEADER + "".join(lines))


def write_decimals(home: EngineHome, decimals: int) -> None:
    """Set source.money_decimals in the config."""
    home.configure(r"^  currency: .*$", rf"\g<0>\n  money_decimals: {decimals}")


def amounts(home: EngineHome) -> list[Decimal]:
    return [one for (one,) in home.rows("select amount from raw.transactions order by file_row")]


def guessed(tmp_path: Path, *prices: str) -> int:
    """The decimals that `init` writes for a log with these prices."""
    path = tmp_path / "log.csv"
    lines = [f"C1,O{n},2011-07-{n % 28 + 1:02} 10:00:00,P1,1,{one}" for n, one in enumerate(prices)]
    path.write_text(HEADER + "\n".join(lines))
    home = Home.named(str(tmp_path / "home"))
    return init(home, lambda _: None, InitOptions([str(path)]), force=True).source.money_decimals


def test_sums_of_lines_that_each_fit_do_not_overflow(new_home: MakeHome):
    home = new_home()
    deliver(home, *[("1", "90000000000000")] * 3)
    assert home.call("load").result["accepted"] == 3
    assert home.rows(SUMS) == [(Decimal("270000000000000.0000"), "DECIMAL(38,4)")]


def test_an_amount_that_would_vanish_is_refused_and_noise_of_a_float_is_nothing(
    new_home: MakeHome,
):
    home = new_home()
    deliver(home, ("1", "0.000012"), ("1", "5e-17"), ("1", "0"), ("3", "7"))
    assert home.call("load").result["rejected"] == {"amount too small": 1}
    assert home.rows("select unreadable from staging.stg_rejected_transactions") == [
        ("amount too small=1.2e-05",)
    ]


def test_more_decimals_read_the_files_again_and_keep_every_coin(new_home: MakeHome):
    home = new_home()
    deliver(home, ("1", "0.000012"), ("2", "0.0000005"), ("3", "7"))
    refused = home.call("load", expect=4)
    assert "amount too small: 2" in refused.message
    assert "larger source.money_decimals" in refused.message
    home.configure(r"^  max_rejected_share: 0.5", "  max_rejected_share: 0.9")
    assert home.call("load").result["rejected"] == {"amount too small": 2}
    write_decimals(home, 8)
    loaded = home.call("load").result
    assert (loaded["rejected"], loaded["files_loaded"]) == ({}, ["warehouse/raw/log.csv"])
    assert amounts(home) == [Decimal("0.00001200"), Decimal("0.00000100"), Decimal("21.00000000")]
    assert home.rows(SUMS) == [(Decimal("21.00001300"), "DECIMAL(38,8)")]
    assert home.call("load").result["files_loaded"] == []


def test_no_decimals_hold_the_largest_lines(new_home: MakeHome):
    home = new_home()
    write_decimals(home, 0)
    deliver(home, ("5000", "90000000000000"), ("0.25", "10"))
    assert home.call("load").result["rejected"] == {}
    assert amounts(home) == [Decimal(450000000000000000), Decimal(3)]


@pytest.mark.parametrize(
    ("prices", "decimals"),
    [
        (["19.99", "0.0125", "7"], 4),
        (["0.000012", "0.5", "0.00002508"], 8),
        (["0.00012345"] * 3, 8),
        (["1e-9", "0.25"], 9),
        # one coin among thousands of lines is no log of coins
        (["19.99"] * 1500 + ["0.000012"], 4),
        # ten decimals would not hold the largest line
        (["0.0000000001", "25080000000"], 7),
    ],
)
def test_init_guesses_as_many_decimals_as_the_amounts_need(
    prices: list[str], decimals: int, tmp_path: Path
):
    assert guessed(tmp_path, *prices) == decimals


def test_a_log_of_coins_is_trained_and_scored_as_the_same_log_in_dollars(
    new_home: MakeHome, scored_home: EngineHome
):
    home = new_home()
    write_decimals(home, 10)
    log = transaction_log()
    home.deliver(log.assign(unit_price=log["unit_price"] / 1e6))
    home.call("train", "--cutoff", CUTOFF.isoformat())
    home.call("run")
    query = (
        "select customer_id, cutoff, predicted_clv, probability_of_purchase"
        " from marts.clv_predictions order by all"
    )
    coins, dollars = home.rows(query), scored_home.rows(query)
    assert [row[:2] for row in coins] == [row[:2] for row in dollars]
    assert [row[2] * 1e6 for row in coins] == pytest.approx([row[2] for row in dollars], rel=1e-5)
    assert [row[3] for row in coins] == pytest.approx([row[3] for row in dollars], rel=1e-5)
    kinds = {
        ("marts", "customer_rfm", "net_revenue"): "DECIMAL(38,10)",
        ("raw", "transactions", "amount"): "DECIMAL(18,10)",
    }
    for (schema, table, column), kind in kinds.items():
        assert home.rows(
            "select data_type from information_schema.columns where table_schema ="
            f" '{schema}' and table_name = '{table}' and column_name = '{column}'"
        ) == [(kind,)]
    total = "select sum(net_revenue) from marts.customer_rfm"
    ((small,),), ((large,),) = home.rows(total), scored_home.rows(total)
    assert float(small) * 1e6 == pytest.approx(float(large), rel=1e-9)
