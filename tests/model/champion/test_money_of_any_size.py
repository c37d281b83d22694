"""The same log in another unit of money: the same customers first, and the same money in it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from shop import Training, simulated_days, training

from ml.model.champion.champion import Champion, fit_champion
from ml.model.forecast.clusters import fit_behaviour_clusters
from ml.model.forecast.features import FEATURES, PURCHASE_VALUE
from ml.model.measures.population import describe_population

MONEY = sorted({one.name for one in FEATURES if one.unit == "money"} | {PURCHASE_VALUE[1]})
PREDICTED = ["predicted_clv", "predicted_clv_low", "predicted_clv_high"]


def in_units(usual: Training, factor: float) -> Training:
    """The training with all money, labels too, counted in other units."""
    money = [*MONEY, "actual_clv"]
    examples = usual.examples.assign(**{name: usual.examples[name] * factor for name in money})
    revenue = usual.monthly_revenue["net_revenue"].astype(float) * factor
    return replace(
        usual, examples=examples, monthly_revenue=usual.monthly_revenue.assign(net_revenue=revenue)
    )


@pytest.fixture(scope="module")
def usual() -> Training:
    return training(simulated_days(customers=400, months=26), cutoff="2021-12-31")


@pytest.fixture(scope="module")
def champion(usual: Training) -> Champion:
    return fit_champion(usual.examples, usual.monthly_revenue, **usual.arguments)


@pytest.mark.parametrize("factor", [1e-6, 1e6, 1e-9, 1e9])
def test_the_unit_of_money_changes_no_ranking_and_no_prediction_but_its_unit(
    factor: float, usual: Training, champion: Champion
):
    other = in_units(usual, factor)
    theirs = fit_champion(other.examples, other.monthly_revenue, **other.arguments)
    before, after = champion.predict(usual.now), theirs.predict(other.now)
    # in units of a million all is the same; in others the floors of the gate differ a little
    near = 1e-6 if factor in (1e-6, 1e6) else 1e-3
    for name in PREDICTED:
        np.testing.assert_allclose(after[name] / factor, before[name], rtol=near, err_msg=name)
    np.testing.assert_allclose(
        after["probability_of_purchase"], before["probability_of_purchase"], rtol=near
    )
    ranks = [list(frame["predicted_clv"].rank(method="first")) for frame in (before, after)]
    assert np.corrcoef(*ranks)[0, 1] > 0.999999
    assert theirs.gate.serves == champion.gate.serves


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_unit_of_money_changes_no_cluster_and_no_population(factor: float, usual: Training):
    found = []
    for rows in (usual.now, in_units(usual, factor).now):
        clusters = fit_behaviour_clusters(rows, least=4, most=6, seed=3, new_days=90)
        population = describe_population(rows, rows["net_revenue"].to_numpy(float))
        found.append((clusters.assign(rows), clusters.names, population.shares))
    (mine, names, shares), (other, other_names, other_shares) = found
    pd.testing.assert_frame_equal(mine, other)
    assert names == other_names
    assert other_shares == pytest.approx(shares, rel=1e-6)
