"""The ledger: chained rows, artefacts by hash only, promotion, healing, one flipped bit."""

import csv
import random
import re
from pathlib import Path

import duckdb
import joblib
import pytest
from conftest import REPOSITORY
from ledger_cards import ledger_card

from ml.home.errors import CallError, EngineError
from ml.home.layout import Home
from ml.ledger import manifest
from ml.life import commands

CONFIG = REPOSITORY / "config" / "model_config.yaml"


class Trap:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


def card(model_id: str, kind: str) -> dict[str, object]:
    return ledger_card(
        model_id,
        kind=kind,
        timestamp="2021-01-01T00:00:00+00:00",
        hyper_parameters={"name": 'a "quoted", value'},
        baseline_r2=float("nan"),
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "config").mkdir()
    return Home(tmp_path)


def fill(home: Home, *models: tuple[str, str]) -> None:
    for model_id, kind in models:
        manifest.add_model(home, card(model_id, kind), f"artefact {model_id}".encode())


def test_rows_are_chained_and_the_newest_crowning_row_is_the_champion(home: Home):
    fill(home, ("a", "train"), ("b", "train"), ("c", "challenger"))
    rows = manifest.read_manifest(home)
    assert [row.fields["previous_row_sha256"] for row in rows] == [
        manifest.GENESIS,
        *(row.fields["row_sha256"] for row in rows[:-1]),
    ]
    assert manifest.champion(home).model_id == "b"


def test_promotion_is_a_new_row_and_rewrites_nothing(home: Home):
    fill(home, ("a", "train"), ("b", "train"))
    before = manifest.manifest_path(home).read_bytes()
    assert manifest.promote(home, "a")
    assert manifest.manifest_path(home).read_bytes().startswith(before)
    assert manifest.champion(home).model_id == "a"
    assert not manifest.promote(home, "a")


def test_an_unknown_model_is_refused_with_the_nearest_id(home: Home):
    fill(home, ("20210101-h9p6-abc", "train"))
    with pytest.raises(CallError, match="did you mean 20210101-h9p6-abc"):
        manifest.promote(home, "20210101-h9p6-abd")


def test_before_the_first_training_the_error_says_what_to_do(home: Home):
    with pytest.raises(EngineError, match=r"run `python orchestrate.py train`"):
        manifest.champion(home)


def test_a_flipped_bit_anywhere_is_found(home: Home):
    fill(home, ("a", "train"), ("b", "train"))
    files = [manifest.manifest_path(home)]
    for name in ("a", "b"):
        files += [manifest.artefact_path(home, name), manifest.card_path(home, name)]
    generator, found = random.Random(1), 0
    for _ in range(200):
        path = generator.choice(files)
        intact = path.read_bytes()
        broken = bytearray(intact)
        broken[generator.randrange(len(broken))] ^= 1 << generator.randrange(8)
        path.write_bytes(broken)
        with pytest.raises(EngineError):
            manifest.check_ledger(home)
        found += 1
        path.write_bytes(intact)
    assert found == 200
    assert len(manifest.check_ledger(home)) == 2


def test_fifty_changed_bytes_are_named_with_their_row_by_status_and_by_run(home: Home):
    """A byte of the manifest or of a card. Where a changed quote or line end leaves no rows to
    tell apart, the file is named without one."""
    (home.root / "config" / "model_config.yaml").write_text(CONFIG.read_text())
    fill(home, ("a", "train"), ("b", "train"))
    ledger, generator, rows = manifest.manifest_path(home), random.Random(3), 0
    starts = [ledger.read_bytes().index(name) for name in (b"\na,train", b"\nb,train")]
    for _ in range(50):
        path = generator.choice([ledger, manifest.card_path(home, generator.choice("ab"))])
        intact = path.read_bytes()
        place = generator.randrange(len(intact))
        path.write_bytes(intact[:place] + bytes([intact[place] ^ 1]) + intact[place + 1 :])
        said = set()
        for command in (commands.status, lambda at: commands.run(at, lambda _: None)):
            with pytest.raises(EngineError, match=re.escape(path.name)) as caught:
                command(home)
            said.add(str(caught.value))
        (message,) = said
        row = f"row {sum(place > start for start in starts)} " if path == ledger else path.stem
        rows += row in message
        path.write_bytes(intact)
    assert rows >= 45


def test_a_changed_field_names_its_row(home: Home):
    fill(home, ("a", "train"), ("b", "train"))
    path = manifest.manifest_path(home)
    path.write_text(path.read_text().replace("b,train,2021", "b,train,2022"))
    with pytest.raises(EngineError, match=r"row 2 \(b\)"):
        manifest.read_manifest(home)


def test_a_swapped_artefact_is_never_unpickled(home: Home, tmp_path: Path):
    fill(home, ("a", "train"))
    mark = tmp_path / "unpickled"
    joblib.dump(Trap(mark), manifest.artefact_path(home, "a"))
    with pytest.raises(EngineError, match="not opened"):
        manifest.load_artefact(home, "a")
    assert not mark.exists()


def test_what_a_killed_training_left_is_swept_and_derived_files_come_back(home: Home):
    fill(home, ("a", "train"))
    stray = manifest.artefact_path(home, "b")
    stray.write_bytes(b"half a training")
    manifest.card_path(home, "b").write_text("{}")
    metrics, page = manifest.metrics_path(home), manifest.card_path(home, "a").with_suffix(".md")
    expected = metrics.read_bytes(), page.read_bytes()
    metrics.unlink()
    page.unlink()
    manifest.heal(home)
    assert not stray.exists() and not manifest.card_path(home, "b").exists()
    assert (metrics.read_bytes(), page.read_bytes()) == expected


@pytest.mark.parametrize("left", [0, 1])
def test_rows_that_the_warehouse_knows_and_the_ledger_lacks_stop_before_anything_is_removed(
    home: Home, left: int
):
    fill(home, ("a", "train"), ("b", "train"))
    rows = manifest.read_manifest(home)
    with duckdb.connect(home.database) as con:
        con.execute(
            "create schema marts; create table marts.champion_manifest as select"
            " unnest(range(2)) as ledger_row, unnest(?) as row_sha256",
            [[row.fields["row_sha256"] for row in rows]],
        )
    manifest.check_ledger(home)
    path = manifest.manifest_path(home)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: 1 + left])) if left else path.unlink()
    for command in (manifest.heal, manifest.check_ledger):
        with pytest.raises(EngineError, match="restore the file"):
            command(home)
    for model_id in ("a", "b"):
        assert manifest.artefact_path(home, model_id).exists()
        assert manifest.card_path(home, model_id).exists()


def test_an_undefined_baseline_is_empty_in_the_ledger_and_null_in_json(home: Home):
    fill(home, ("a", "train"))
    with manifest.manifest_path(home).open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["baseline_r2"] == ""
    assert manifest.champion(home).baseline("r2") is None
    assert '"r2": null' in manifest.metrics_path(home).read_text()
