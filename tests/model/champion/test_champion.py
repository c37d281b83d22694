"""The champion's recipe on small simulated shops, through the same SQL as in production."""

import io

import duckdb
import joblib
import numpy as np
import pandas as pd
import pytest
from shop import Training, customer_days, macro, simulated_days, training

from ml.model.champion.champion import Champion, NothingMaturedError, fit_champion
from ml.model.champion.out_of_time import backtest_cutoff
from ml.model.champion.replays import rewind
from ml.model.forecast.features import ALL_COLUMNS, OF_THE_WHOLE_LOG
from ml.model.measures.metrics import d2

CUTOFF = "2021-02-28"


@pytest.fixture(scope="module")
def days() -> pd.DataFrame:
    return simulated_days()


@pytest.fixture(scope="module")
def shop(days: pd.DataFrame) -> Training:
    return training(days, cutoff=CUTOFF)


@pytest.fixture(scope="module")
def champion(shop: Training) -> Champion:
    return fit(shop)


def fit(shop: Training) -> Champion:
    return fit_champion(shop.examples, shop.monthly_revenue, **shop.arguments)


def packed(champion: Champion) -> bytes:
    file = io.BytesIO()
    joblib.dump(champion, file)
    return file.getvalue()


def test_feature_names_are_the_columns_of_the_macro(shop: Training) -> None:
    built = set(shop.examples.columns)
    assert built == ALL_COLUMNS | {
        "months_back",
        "observed_months",
        "actual_clv",
        "actual_order_count",
    }


def test_days_after_the_cutoff_and_before_the_history_change_no_feature(days: pd.DataFrame) -> None:
    kept = days["activity_date"].between("2020-06-01", CUTOFF)
    of_the_log = ["observed_months", *OF_THE_WHOLE_LOG]
    pd.testing.assert_frame_equal(
        training(days, cutoff=CUTOFF).now.drop(columns=of_the_log),
        training(days[kept], cutoff=CUTOFF).now.drop(columns=of_the_log),
    )


def test_days_after_the_cutoff_change_no_first_order(days: pd.DataFrame) -> None:
    known = days[days["activity_date"] <= CUTOFF]
    pd.testing.assert_frame_equal(
        training(days, cutoff=CUTOFF).now, training(known, cutoff=CUTOFF).now
    )


def test_accuracy_by_tenure_counts_from_the_first_order_of_the_whole_log(
    days: pd.DataFrame, champion: Champion
) -> None:
    rows = {row["segment"]: row for row in champion.card_entries["baseline"]["segments"]}
    newest = champion.card_entries["baseline"]["cutoffs"][0]
    now = training(days, cutoff=newest).now
    first = days[days["order_count"] > 0].groupby("customer_id")["activity_date"].min()
    age = (pd.Timestamp(newest) - first[now["customer_id"]]).dt.days
    assert rows["new, 90 days or less"]["customers"] == (age <= 90).sum()
    assert rows["older than 90 days"]["customers"] == (age > 90).sum()


def test_features_of_a_past_cutoff_are_the_same_in_training_and_in_scoring(
    days: pd.DataFrame, shop: Training
) -> None:
    past = training(days, cutoff="2020-11-30").now
    stacked = shop.examples[shop.examples["months_back"] == 3].reset_index(drop=True)
    names = sorted(ALL_COLUMNS)
    pd.testing.assert_frame_equal(stacked[names], past[names])


def test_training_labels_end_on_or_before_the_cutoff(shop: Training) -> None:
    assert shop.now["actual_clv"].isna().all()
    matured = shop.examples[shop.examples["actual_clv"].notna()]
    assert matured["months_back"].min() == shop.pred_months


@pytest.mark.long
def test_days_after_the_cutoff_change_nothing_in_the_scores(
    days: pd.DataFrame, shop: Training, champion: Champion
) -> None:
    known = days[days["activity_date"] <= CUTOFF]
    again = training(known, cutoff=CUTOFF)
    pd.testing.assert_frame_equal(fit(again).predict(again.now), champion.predict(shop.now))


@pytest.mark.long
def test_the_same_training_is_the_same_to_the_bit_whatever_the_order_of_rows(
    shop: Training, champion: Champion
) -> None:
    shuffled = shop.examples.sample(frac=1, random_state=3)
    again = fit_champion(shuffled, shop.monthly_revenue, **shop.arguments)
    first, second = (one.predict(shop.now).to_numpy() for one in (champion, again))
    assert first.tobytes() == second.tobytes()


def test_a_loaded_champion_scores_without_the_training_data(
    shop: Training, champion: Champion
) -> None:
    loaded: Champion = joblib.load(io.BytesIO(packed(champion)))
    pd.testing.assert_frame_equal(loaded.predict(shop.now), champion.predict(shop.now))


def test_a_score_does_not_depend_on_who_else_is_in_the_batch(
    shop: Training, champion: Champion
) -> None:
    some = shop.now.iloc[::7]
    pd.testing.assert_frame_equal(
        champion.predict(some), champion.predict(shop.now).iloc[::7], rtol=1e-12
    )


def test_predictions_are_positive_inside_their_interval_and_probabilities_are_shares(
    shop: Training, champion: Champion
) -> None:
    found = champion.predict(shop.now)
    assert (found["predicted_clv"] > 0).all()
    assert (found["predicted_clv_low"] >= 0).all()
    assert (
        found["predicted_clv"]
        .between(found["predicted_clv_low"], found["predicted_clv_high"])
        .all()
    )
    assert found["probability_of_purchase"].between(0, 1).all()


def test_the_interval_of_the_total_holds_it_and_is_narrower_than_the_customers_together(
    shop: Training, champion: Champion
) -> None:
    found = champion.predict(shop.now)
    total, variance = found["predicted_clv"].sum(), found["predicted_clv_variance"].sum()
    low, high = champion.intervals.total_bounds(total, variance)
    assert low < total < high
    assert found["predicted_clv_low"].sum() < low < high < found["predicted_clv_high"].sum()


def test_drivers_are_three_a_customer_and_the_strongest_comes_first(
    shop: Training, champion: Champion
) -> None:
    drivers = champion.drivers(champion.model_input(shop.now))
    assert len(drivers) == 3 * len(shop.now)
    strength = np.abs(np.log(drivers["factor"].to_numpy())).reshape(-1, 3)
    assert (np.diff(strength, axis=1) <= 1e-12).all()
    assert drivers["words"].notna().all()


def test_the_card_names_every_decision_and_out_of_time_figures(champion: Champion) -> None:
    report = champion.card_entries
    assert {"serves", "gate", "season", "level", "training_cutoffs"} <= set(report["decisions"])
    assert report["baseline"]["cutoffs"]
    assert np.isfinite([report["baseline"][name] for name in ("rmse", "r2", "mae", "d2")]).all()
    assert set(report["baselines"]) == {"naive", "pareto_nbd"}


def test_a_rewound_training_knows_only_what_had_matured_then(shop: Training) -> None:
    earlier = rewind(shop.examples, 4)
    known = earlier[earlier["actual_clv"].notna()]
    assert known["months_back"].min() == shop.pred_months


@pytest.mark.long
def test_a_single_training_cutoff_serves_no_trees_and_the_card_says_so(days: pd.DataFrame) -> None:
    shop = training(days, cutoff="2020-06-30")
    champion = fit(shop)
    assert "trees" not in champion.gate.weights
    assert "1 training cutoff" in champion.gate.reason
    assert np.isfinite(champion.card_entries["baseline"]["rmse"])
    rival = champion.rival_forecasts(champion.model_input(shop.now))["pareto_nbd"]
    ours = champion.predict(shop.now)["predicted_clv"]
    actual = shop.later["actual_clv"]
    assert d2(actual, ours) > d2(actual, rival) - 0.05


def test_no_matured_window_is_a_clear_error(days: pd.DataFrame) -> None:
    shop = training(days, cutoff="2020-05-15")
    with pytest.raises(NothingMaturedError, match="has matured"):
        fit(shop)


def test_an_empty_population_is_a_clear_error(shop: Training) -> None:
    nobody = shop.examples[shop.examples["months_back"] > 0]
    with pytest.raises(ValueError, match="no customer bought"):
        fit_champion(nobody, shop.monthly_revenue, **shop.arguments)


def test_missing_columns_are_named(shop: Training) -> None:
    lacking = shop.examples.drop(columns="recency_days")
    with pytest.raises(ValueError, match="recency_days"):
        fit_champion(lacking, shop.monthly_revenue, **shop.arguments)


def test_nobody_to_score_gives_no_rows(shop: Training, champion: Champion) -> None:
    assert champion.predict(shop.now.iloc[:0]).empty


@pytest.mark.long
def test_a_history_longer_than_the_log_is_scored_with_what_there_is(days: pd.DataFrame) -> None:
    shop = training(days, cutoff=CUTOFF, history_months=36)
    found = fit(shop).predict(shop.now)
    assert np.isfinite(found.to_numpy(float)).all()


def test_customers_with_negative_revenue_and_whales_get_finite_positive_predictions(
    days: pd.DataFrame, shop: Training, champion: Champion
) -> None:
    odd = customer_days(
        [("returner", 400, 1, 10.0, 0.0), ("returner", 410, 0, 0.0, 500.0)]
        + [("whale", day, 3, 1e6, 0.0) for day in range(200, 420, 5)]
        + [("one-off", 420, 1, 5.0, 0.0)]
    )
    batch = training(pd.concat([days, odd], ignore_index=True), cutoff=CUTOFF).now
    found = champion.predict(batch).set_index(batch["customer_id"])
    assert np.isfinite(found.to_numpy(float)).all()
    assert found["predicted_clv"].idxmax() == "whale"
    assert (found.loc[["returner", "one-off"], "predicted_clv"] > 0).all()


def test_an_all_new_population_is_scored(champion: Champion) -> None:
    new = customer_days([(f"N{number}", 420 + number % 4, 1, 20.0, 0.0) for number in range(40)])
    batch = training(new, cutoff=CUTOFF).now
    found = champion.predict(batch)
    assert len(found) == 40 and np.isfinite(found.to_numpy(float)).all()


@pytest.mark.long
def test_customers_who_never_come_back_leave_a_prior_that_expects_next_to_nothing() -> None:
    once = customer_days([(f"O{n:04d}", n % 420, 1, 20.0 + n % 5, 0.0) for n in range(300)])
    shop = training(once, cutoff=CUTOFF)
    champion = fit(shop)
    assert champion.gate.serves != "trees"
    assert "nobody spent anything in" in champion.gate.reason
    assert champion.predict(shop.now)["predicted_clv"].mean() < 1


def test_a_window_longer_than_the_history_leaves_long_sums_empty(days: pd.DataFrame) -> None:
    now = training(days, cutoff=CUTOFF, history_months=6).now
    assert now["net_revenue_9_months"].isna().all()
    assert now["net_revenue_6_months"].equals(now["net_revenue"])


def test_gaps_are_measured_between_purchases_inside_the_window() -> None:
    rows = [("A", 0, 1, 10.0, 0.0), ("A", 400, 1, 10.0, 0.0), ("A", 410, 0, 0.0, 4.0)]
    now = training(customer_days([*rows, ("A", 420, 2, 30.0, 0.0)]), cutoff=CUTOFF).now.iloc[0]
    assert now["mean_gap_days"] == now["last_gap_days"] == now["max_gap_days"] == 20
    assert (now["recency_days"], now["order_count"], now["repeat_purchase_days"]) == (4, 3, 1)
    assert (now["net_revenue"], now["returned_revenue"], now["day_revenue_sd"]) == (36, 4, 10)


def test_training_windows_step_back_in_months_from_the_day_after_the_cutoff() -> None:
    con = duckdb.connect()
    con.execute(
        "create table requests as select date '2021-12-31' as training_cutoff, "
        "9 as history_months, 6 as pred_months, date '2020-01-01' as first_day"
    )
    found = con.sql(macro("training_windows", "requests")).df().sort_values("months_back")
    assert found["months_back"].tolist()[:3] == [0, 6, 7]
    newest = found.iloc[1]
    assert (str(newest["cutoff"].date()), str(newest["window_end"].date())) == (
        "2021-06-30",
        "2021-12-31",
    )
    assert (found["observed_months"] >= 3).all()


@pytest.mark.long
def test_a_backtest_holds_the_champion_against_every_rival(shop: Training) -> None:
    result = backtest_cutoff(
        shop.examples,
        shop.monthly_revenue,
        shop.later,
        cutoff=shop.cutoff,
        seed=7,
        max_examples=50_000,
    )
    forecasts = ["champion", "naive", "bg_nbd", "pareto_nbd", "xgb_rfm"]
    assert result.metrics["forecast"].tolist() == forecasts
    assert np.isfinite(result.metrics[["rmse", "mae", "r2", "d2", "bias"]].to_numpy(float)).all()
    assert set(result.comparisons["rival"]) == set(forecasts[1:])
    assert len(result.deciles) == 10 * len(forecasts)
    certain = result.deciles[result.deciles["forecast"] == "champion"]
    shares = ["above", "below", "mean_probability", "share_that_bought"]
    assert certain[shares].to_numpy(float).min() >= 0 and certain[shares].to_numpy(float).max() <= 1
    bought = (shop.later["actual_order_count"] > 0).mean()
    assert certain["share_that_bought"].mean() == pytest.approx(bought, abs=0.02)
    assert result.metrics.loc[0, ["coverage", "top_decile_coverage"]].between(0, 1).all()


@pytest.mark.long
def test_a_backtest_without_an_actual_names_the_customer(shop: Training) -> None:
    with pytest.raises(ValueError, match="has no actual_clv"):
        backtest_cutoff(
            shop.examples,
            shop.monthly_revenue,
            shop.later.iloc[1:],
            cutoff=shop.cutoff,
            seed=7,
            max_examples=50_000,
        )


def test_a_frozen_champion_scores_a_later_cutoff_in_the_middle_of_a_month(
    days: pd.DataFrame, champion: Champion
) -> None:
    later = training(days, cutoff="2021-03-14").now
    found = champion.predict(later)
    assert len(found) == len(later) and np.isfinite(found.to_numpy(float)).all()
