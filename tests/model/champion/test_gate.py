"""The weights of the forecasts."""

import numpy as np
import pytest

from ml.model.champion.gate import NAIVE, ORDER, PRIOR, TREES, Evidence, GateResult, weigh


def replay(errors: dict[str, float], seed: int = 1, customers: int = 3_000) -> Evidence:
    """Every forecast is the truth's mean, off by noise of its own size."""
    generator = np.random.default_rng(seed)
    expected = np.exp(generator.normal(3, 1, customers))
    actual = expected * generator.gamma(2, 0.5, customers)
    found = {
        name: expected * np.exp(generator.normal(0, errors.get(name, 1.0), customers))
        for name in ORDER
    }
    return Evidence(actual, found, f"replay {seed}")


@pytest.mark.parametrize("best", ORDER)
def test_the_best_forecast_of_four_replays_has_nearly_all_the_weight(best: str) -> None:
    result = weigh([replay({best: 0.0}, seed) for seed in range(4)], refusal="", seed=1)
    assert result.serves == best
    assert result.weights[best] > 0.9
    assert sum(result.weights.values()) == pytest.approx(1)


def test_without_a_replay_the_weights_are_those_of_the_prior() -> None:
    result = weigh([], refusal="", seed=1)
    assert result.weights == pytest.approx(PRIOR)
    assert "no earlier training can be judged" in result.reason


def test_one_odd_replay_does_not_decide_alone() -> None:
    odd = replay({NAIVE: 0.0, TREES: 6.0})
    result = weigh([odd], refusal="", seed=1)
    ratio = (result.weights[TREES] / PRIOR[TREES]) / (result.weights[NAIVE] / PRIOR[NAIVE])
    assert ratio == pytest.approx(np.exp(-12 * 0.5))


def test_refused_trees_have_no_weight_and_the_reason_says_why() -> None:
    result = weigh([replay({TREES: 0.0})], refusal="2 training cutoffs", seed=1)
    assert TREES not in result.weights and result.weight(TREES) == 0
    assert "2 training cutoffs" in result.reason


def test_a_rival_that_is_a_little_ahead_is_named_with_its_lead() -> None:
    evidence = replay({"pareto_nbd": 0.0})
    evidence.forecasts["trees"] = evidence.forecasts["pareto_nbd"] * 1.1
    result = weigh([evidence], refusal="", seed=1)
    (ahead,) = [one for one in result.comparisons if one.difference < 0]
    assert (result.serves, ahead.rival) == ("trees", "pareto_nbd")
    assert f"Pareto/NBD is ahead of trees by {-ahead.difference:.3f}" in result.reason


def test_where_everybody_brings_the_same_the_exact_forecast_gains_weight() -> None:
    actual = np.full(150, 29.97)
    money = dict.fromkeys(ORDER, np.full(150, 20.0)) | {NAIVE: actual}
    result = weigh([Evidence(actual, money, "then")] * 4, refusal="", seed=1)
    assert result.weights[NAIVE] > PRIOR[NAIVE]
    assert "mean absolute error where all brought the same" in result.reason
    assert np.isfinite(list(result.weights.values())).all()


def test_a_replay_in_which_nobody_brought_anything_says_nothing() -> None:
    nothing = Evidence(np.zeros(50), dict.fromkeys(ORDER, np.full(50, 3.0)), "then")
    assert weigh([nothing], refusal="", seed=1).weights == pytest.approx(PRIOR)


def test_what_serves_is_the_weighted_geometric_mean() -> None:
    result = GateResult("trees", "", (), {"trees": 0.5, "prior": 0.5})
    forecasts = {"trees": np.array([4.0]), "prior": np.array([9.0])}
    assert result.served(forecasts).tolist() == pytest.approx([6.0])
    # a replay that has no trees: its blend speaks for them
    assert result.served({"prior": np.array([9.0])}).tolist() == pytest.approx([9.0])


def test_in_a_model_of_an_earlier_version_what_serves_serves_alone() -> None:
    result = GateResult("prior", "", ())
    served = result.served({"trees": np.array([4.0]), "prior": np.array([9.0])})
    assert served.tolist() == pytest.approx([9.0])
    assert (result.weight("prior"), result.weight("trees")) == (1.0, 0.0)


def test_probabilities_are_mixed_in_the_weights_of_learned_and_textbook_forecasts() -> None:
    result = GateResult("trees", "", (), {"trees": 0.3, "prior": 0.2, "pareto_nbd": 0.5})
    mixed = result.probability(np.array([0.8, 0.3]), np.array([0.2, 0.3]))
    assert mixed.tolist() == pytest.approx([0.5, 0.3])
    earlier = GateResult("trees", "", ())
    assert earlier.probability(np.array([0.8]), np.array([0.2])).tolist() == [0.8]
