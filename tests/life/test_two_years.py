"""Two years of a real shop through the command line, as they were and with shocks (slow).

Online Retail II: trained on 2010-08-31 (9 months for 3), then everything that is due up to the
end of the log. In a shock the prices of one half of the customers are times 0.4 from SHOCK on.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import REPOSITORY, EngineHome, home_at

DATA = REPOSITORY.parent / "shared" / "data" / "online_retail_ii"
TRAINED, BEFORE, SHOCK = date(2010, 8, 31), date(2011, 5, 22), date(2011, 6, 10)
STEMS = ("clv_predictions", "clv_ranked_predictions", "clv_clusters", "clv_cluster_ranking")
COLUMN_NAMES = {
    "customer_id": "Customer ID",
    "order_id": "Invoice",
    "ordered_at": "InvoiceDate",
    "product_id": "StockCode",
    "quantity": "Quantity",
    "unit_price": "Price",
}
# The shocked customers, and the kind of segment that has to be named first.
HALVES = {
    "high order values": "mean_order_value > (select median(mean_order_value) from known)",
    "low order values": "mean_order_value <= (select median(mean_order_value) from known)",
    "long tenure": "customer_age_days > (select median(customer_age_days) from known)",
    "largest cluster": "cluster_name = (select mode(cluster_name) from known)",
    "random": "hash(customer_id) % 2 = 0",
}
NAMED = {
    "high order values": "order-value half",
    "low order values": "order-value half",
    "long tenure": "tenure",
    "largest cluster": "cluster",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.exists(), reason="Online Retail II is not here"),
]


@dataclass(frozen=True)
class Life:
    """A home at the end of the log, and what its one `run` answered."""

    home: EngineHome
    result: dict[str, Any]

    def windows(self) -> list[dict[str, Any]]:
        """Measured windows by cutoff, with the segment that ranks first."""
        with self.home.warehouse() as con:
            found = con.sql(
                "select report.*, named.segment_kind as named_kind, named.segment as named,"
                " named.actual_to_predicted, named.z_against_rest"
                " from marts.drift_report as report join marts.drift_segments as named"
                " using (cutoff, model_id, revision)"
                " where segment_rank = 1 and is_newest_revision order by cutoff"
            )
            return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    home = home_at(tmp_path_factory.mktemp("trained") / "home", **COLUMN_NAMES)
    home.configure(r"^  history_months: \d+", "  history_months: 9")
    deliver(home, "false")
    home.call("train", "--cutoff", TRAINED.isoformat())
    return home


@pytest.fixture(scope="module")
def life(trained: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> Life:
    home = trained.copy(tmp_path_factory.mktemp("life") / "home")
    return Life(home, home.call("run", wait=3000).result)


def deliver(home: EngineHome, shocked: str, known: Path | None = None) -> None:
    """The log as files of the home, prices of shocked customers (SQL on known) from SHOCK on."""
    with duckdb.connect() as con:
        if known is not None:
            con.execute(f"attach '{known}' as life (read_only)")
            con.execute(f"create table known as {KNOWN}")
        else:
            con.execute("create table known (customer_id varchar)")
        con.execute(f"create table hit as select customer_id from known where {shocked}")
        for source in sorted(DATA.glob("*.parquet")):
            con.execute(
                'copy (select * replace (case when "InvoiceDate" >= $shock and'
                ' "Customer ID"::varchar in (select customer_id from hit)'
                ' then 0.4 * "Price" else "Price" end as "Price")'
                f" from '{source}') to '{home.raw / source.name}'",
                {"shock": SHOCK},
            )


# What the last batch before the shock knows of its customers.
KNOWN = f"""
select customer_id, mean_order_value, customer_age_days, cluster_name,
from life.marts.customer_rfm join life.marts.clv_clusters using (customer_id, cutoff)
where cutoff = '{BEFORE}'
"""


def with_shock(life: Life, folder: Path, half: str) -> Life:
    """The same life in a world where one of HALVES is shocked, from BEFORE on."""
    home = life.home.copy(folder / "home")
    deliver(home, HALVES[half], life.home.database)
    home.configure(r"^  last_score_cutoff:.*$", f'  last_score_cutoff: "{BEFORE}"')
    return Life(home, home.call("run", wait=3000).result)


def test_batches_follow_the_calendar_to_the_end_of_the_log(life: Life):
    cutoffs = [date.fromisoformat(batch["cutoff"]) for batch in life.result["batches"]]
    assert cutoffs[0] == TRAINED
    early = TRAINED + timedelta(days=84)
    for before, after in pairwise(cutoffs):
        assert (after - before).days == (14 if before < early else 30)
    assert len(cutoffs) == 19


def test_every_matured_window_is_measured_once_and_files_are_those_promised(life: Life):
    newest = date.fromisoformat(life.result["newest_day"])
    ends = {
        date.fromisoformat(batch["cutoff"]): date.fromisoformat(batch["window_end"])
        for batch in life.result["batches"]
    }
    matured = {cutoff for cutoff, end in ends.items() if end <= newest}
    windows = life.windows()
    assert {window["cutoff"] for window in windows} == matured
    tables = {f"{stem}_{cutoff}_pred3m" for stem in STEMS for cutoff in ends}
    tables |= {f"clv_predictions_actual_{cutoff}_pred3m" for cutoff in matured}
    expected = {f"{table}.{ending}" for table in tables for ending in ("csv", "parquet")}
    expected.add("report.html")
    expected |= {
        f"drift_alert_{window['cutoff']}_pred3m.{ending}"
        for window in windows
        if window["verdict"] not in ("ok", "cannot be told")
        for ending in ("md", "png")
    }
    assert {path.name for path in life.home.outputs.iterdir()} == expected


def test_the_same_life_again_brings_nothing_new(life: Life):
    before = life.home.state()
    again = life.home.call("run").result
    assert again["batches"] == again["measured"] == again["exports"] == again["alerts"] == []
    assert life.home.state() == before


@pytest.mark.parametrize("half", NAMED)
def test_a_shocked_half_is_caught_and_named_first(life: Life, half: str, tmp_path: Path):
    windows = with_shock(life, tmp_path, half).windows()
    (first,) = (row for row in windows if row["cutoff"] == BEFORE)
    assert first["verdict"] in {"drift", "sustained drift"}
    assert first["named_kind"].startswith(NAMED[half])
    assert first["actual_to_predicted"] < 0.7
