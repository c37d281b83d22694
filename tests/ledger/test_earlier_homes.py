"""Homes that an earlier version made go on working: their champions open and score as they did."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest import (
    CUTOFF,
    REPOSITORY,
    EngineHome,
    environment,
    home_at,
    transaction_log,
)
from ledger_cards import ledger_card

from ml.home.layout import Home
from ml.ledger import manifest
from ml.ledger.artefacts import packed, unpacked
from ml.model.champion.artefact import Artefact

EARLIER = Path(__file__).with_name("earlier")
COMMIT = "207ed74947f076c0b7d7aa1217e57d91422803e7"


@dataclass(frozen=True)
class Earlier:
    """An artefact of an earlier version, some customers, and what commit 207ed74 made of them."""

    artefact: Artefact
    customers: pd.DataFrame
    scores: dict[str, Any]


# of CDNOW; of a shop with a season; of a young shop, without trees and of before populations; the
# second as the first version without pickles packed it
@pytest.fixture(
    scope="module",
    params=[
        ("champion_of_207ed74", "customers.parquet", "scores.json"),
        ("season_of_207ed74", "shop_customers.parquet", "season_scores.json"),
        ("young_of_207ed74", "shop_customers.parquet", "young_scores.json"),
        ("season_of_format_2", "shop_customers.parquet", "season_scores.json"),
    ],
    ids=lambda param: param[0],
)
def earlier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    """The artefact as it was packed then, out of a ledger."""
    name, customers, scores = request.param
    home = Home(tmp_path_factory.mktemp("earlier"))
    content = (EARLIER / f"{name}.joblib").read_bytes()
    manifest.add_model(home, ledger_card("earlier", kind=manifest.TRAINED), content)
    return Earlier(
        manifest.load_artefact(home, "earlier"),
        pd.read_parquet(EARLIER / customers),
        json.loads((EARLIER / scores).read_text(encoding="utf-8")),
    )


def test_an_earlier_champion_predicts_what_it_predicted(earlier: Earlier):
    predicted = earlier.artefact.champion.predict(earlier.customers)
    assert predicted.to_dict("list") == earlier.scores["predictions"]


def test_an_earlier_champion_has_its_rivals_and_drivers(earlier: Earlier):
    champion = earlier.artefact.champion
    model_input = champion.model_input(earlier.customers)
    assert champion.rival_forecasts(model_input).to_dict("list") == earlier.scores["rivals"]
    expected = pd.DataFrame(earlier.scores["drivers"])
    pd.testing.assert_frame_equal(
        champion.drivers(model_input), expected, check_exact=True, check_dtype=False
    )


def test_an_earlier_champion_assigns_the_same_clusters(earlier: Earlier):
    assigned = earlier.artefact.clusters.assign(earlier.customers)
    assert assigned.to_dict("list") == earlier.scores["clusters"]


def test_an_earlier_champion_knows_its_training_population(earlier: Earlier):
    population = earlier.artefact.population
    if "population" not in earlier.scores:
        assert population is None
        return
    assert population is not None
    money = earlier.artefact.champion.predict(earlier.customers)["predicted_clv"]
    with duckdb.connect() as con:
        # counted inside the history window then, by the whole log now: there is no reference
        batch = earlier.customers.assign(
            predicted_clv=money, customer_age_days=earlier.customers["tenure_days"]
        )
        compared = population.compare(con.from_df(batch))
    expected = pd.DataFrame(earlier.scores["population"]).replace(-1, np.nan)
    expected.loc[expected["indicator"] == "new_customer_share", "reference"] = np.nan
    pd.testing.assert_frame_equal(compared, expected, check_exact=True)


def test_an_earlier_champion_packs_again_without_a_class(earlier: Earlier):
    again = unpacked(packed(earlier.artefact))
    assert (
        again.champion.predict(earlier.customers).to_dict("list") == earlier.scores["predictions"]
    )


# A home of that commit


@pytest.fixture(scope="module")
def earlier_home(tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """A home with two models and a scored batch, all by the code of commit 207ed74."""
    known = ["git", "-C", str(REPOSITORY), "cat-file", "-e", f"{COMMIT}^{{commit}}"]
    if subprocess.run(known, check=False, capture_output=True).returncode:
        pytest.skip(f"commit {COMMIT[:7]} is not in this clone: git fetch --unshallow")
    folder = tmp_path_factory.mktemp("earlier")
    code = folder / "code"
    for arguments in (
        ["clone", "--quiet", "--no-checkout", str(REPOSITORY), str(code)],
        ["-C", str(code), "checkout", "--quiet", "--detach", COMMIT],
    ):
        subprocess.run(["git", *arguments], check=True, capture_output=True)
    home = home_at(folder / "home")
    home.deliver(transaction_log())
    for arguments in (
        ["train", "--cutoff", "2011-12-31"],
        ["train", "--cutoff", CUTOFF.isoformat()],
        ["run", "--cutoff", CUTOFF.isoformat()],
    ):
        subprocess.run(
            [sys.executable, "orchestrate.py", "--home", str(home.root), "--quiet", *arguments],
            cwd=code,
            env=environment(),
            check=True,
            capture_output=True,
        )
    (home.root / "warehouse").chmod(0o700)
    return home


@pytest.fixture
def home(earlier_home: EngineHome, tmp_path: Path) -> EngineHome:
    return earlier_home.copy(tmp_path / "home")


def columns_of(home: EngineHome, mart: str) -> str:
    """The columns that a mart has now; a later version may add some."""
    rows = home.rows(
        "select column_name from information_schema.columns"
        f" where table_schema = 'marts' and table_name = '{mart}' order by ordinal_position"
    )
    return ", ".join(name for (name,) in rows)


def models(home: EngineHome) -> list[str]:
    """Ids of the ledger, oldest first."""
    return [row.model_id for row in manifest.read_manifest(Home(home.root))]


def test_an_earlier_home_is_whole_to_the_doctor(home: EngineHome):
    result = home.call("doctor").result
    assert [one for one in result["checks"] if one["level"] == "broken"] == []


def test_an_earlier_home_has_its_status_report_and_customers(home: EngineHome):
    assert home.call("status").result["champion"]["model_id"] == models(home)[-1]
    home.call("report")
    (customer,) = home.rows("select customer_id from marts.clv_predictions limit 1")[0]
    assert home.call("explain", customer).result["customer_id"] == customer


def test_an_earlier_champion_scores_the_next_batch(home: EngineHome):
    before = home.rows("select * from marts.clv_predictions order by all")
    home.call("run", "--cutoff", "2012-03-14")
    after = home.rows(f"select * from marts.clv_predictions where cutoff = '{CUTOFF}' order by all")
    assert after == before
    assert home.rows("select distinct model_id from marts.clv_predictions") == [(models(home)[-1],)]


def test_a_rescored_batch_of_an_earlier_champion_is_what_it_was(home: EngineHome):
    marts = ("clv_predictions", "clv_ranked_predictions", "clv_clusters", "clv_drivers")
    queries = [f"select {columns_of(home, mart)} from marts.{mart} order by all" for mart in marts]
    before = [home.rows(query) for query in queries]
    home.call("run", "--cutoff", CUTOFF.isoformat())
    assert [home.rows(query) for query in queries] == before


def test_an_earlier_home_has_its_customers_and_numbers_of_tiers(home: EngineHome):
    home.call("status")
    tiers = home.rows(
        "select value_tier, min(value_tier_rank), max(value_tier_rank)"
        " from marts.clv_ranked_predictions group by value_tier order by min(clv_rank)"
    )
    assert [row[1:] for row in tiers] == [(number, number) for number in range(1, len(tiers) + 1)]
    everybody = "select distinct customer_id from intermediate.int_customer_days order by all"
    assert home.rows("select customer_id from marts.customers order by all") == home.rows(everybody)
    scored = "select count(*), sum(predicted_clv) from marts.{}"
    ((count, total),) = home.rows(f"{scored.format('customers')} where predicted_clv is not null")
    assert home.rows(scored.format("clv_predictions")) == [(count, pytest.approx(total))]


def test_models_of_an_earlier_home_are_promoted_and_purged(home: EngineHome):
    first, second = models(home)
    assert home.call("promote", first).result["champion"]["model_id"] == first
    assert home.call("promote", "no-such-model", expect=2).message
    assert home.call("purge", "--dry-run").result is not None
    home.call("run", "--cutoff", CUTOFF.isoformat())
    assert home.call("compare", first, second).result["trained_later"]


@pytest.mark.slow  # installs the packages of that commit
def test_a_model_of_an_earlier_home_is_reproduced_at_its_commit(home: EngineHome):
    model_id = models(home)[-1]
    artefact = home.manifest.parent / f"clv_model_{model_id}.joblib"
    artefact.unlink()
    result = home.call("reproduce", model_id, wait=600).result
    assert result["equal"]
    assert result["restored"] == result["same_artefact"]
