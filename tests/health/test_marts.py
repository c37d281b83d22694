"""`doctor` finds what is wrong in the marts, and what it says heals it."""

import shlex
from pathlib import Path

import duckdb
import pytest
from conftest import PAST_CUTOFF, EngineHome

from ml.health.mart_checks import keys

OF_PAST = f"cutoff = '{PAST_CUTOFF}'"
# what is done to a mart -> what the doctor says
DAMAGES = {
    "doubled predictions": (
        f"insert into marts.clv_predictions from marts.clv_predictions where {OF_PAST}",
        "clv_predictions:",
        "there more than once",
    ),
    "clusters gone": (
        f"delete from marts.clv_clusters where {OF_PAST}",
        "clv_clusters: 0 customer(s)",
        "clv_batches says",
    ),
    "a mart emptied": (
        "delete from marts.clv_drivers",
        "clv_drivers: 0 customer(s)",
        "clv_batches says",
    ),
    "customers gone": (
        f"delete from marts.customer_rfm where {OF_PAST} and customer_id < 'C0100'",
        "customer_rfm:",
        "clv_batches says",
    ),
    "batch without its row": (
        f"delete from marts.clv_batches where {OF_PAST}",
        "clv_predictions:",
        "no such batch",
    ),
    "another prediction": (
        f"update marts.clv_predictions_actual set predicted_clv = -1 where {OF_PAST}",
        "clv_predictions_actual:",
        "another prediction than in clv_predictions",
    ),
    "measured customers gone": (
        f"delete from marts.clv_predictions_actual where {OF_PAST}",
        "clv_predictions_actual: 0 customer(s)",
        "clv_batches says",
    ),
}


def found(home: EngineHome) -> list[dict[str, str]]:
    """What the doctor says of the marts."""
    checks = home.call("doctor", expect=None).result["checks"]
    return [check for check in checks if check["check"] == "marts"]


def test_every_mart_has_a_key_and_sound_marts_are_ok(rescored_home: EngineHome):
    assert all(keys().values())
    assert [check["level"] for check in found(rescored_home)] == ["ok"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_mart_is_named_and_the_command_heals_it(
    rescored_home: EngineHome, tmp_path: Path, damage: str
):
    home = rescored_home.copy(tmp_path / "home")
    statement, *words = DAMAGES[damage]
    with duckdb.connect(home.database) as con:
        con.execute(statement)
    named = [check for check in found(home) if check["level"] == "broken"]
    assert any(all(word in check["what"] for word in words) for check in named), named
    before = rescored_home.state()
    for remedy in {check["remedy"] for check in named}:
        home.call(*shlex.split(remedy.partition(str(home.root))[2]))
    assert [check["level"] for check in found(home)] == ["ok"]
    assert home.state() == before
