"""Forgetting customers: no byte of the home holds them, no load brings them back."""

import gzip
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import (
    CUTOFF,
    PAST_CUTOFF,
    REPOSITORY,
    EngineHome,
    environment,
    frame,
    home_at,
    line,
    table_hash,
)
from warm import PROGRAM, Outcome

from ml.delivery.spark_landing import land
from ml.home.layout import Home

MakeHome = Callable[..., EngineHome]
# in every id, order id and mail address of who is forgotten, and nowhere else
CANARY = b"canary"
CUSTOMERS = [
    "CANARY-1",
    "000CANARY2",
    'O\'Canary "3", Zoë-客户',
    "=cmd|' /C canary'!A4",
    "-canary-5",
]
DAYS = [date(2011, 8, 2), date(2011, 9, 20), date(2011, 11, 5), date(2012, 1, 20), date(2012, 3, 4)]
OTHERS = "customer_id not ilike '%canary%'"


def delivered_lines() -> pd.DataFrame:
    """Lines of the customers and of neighbours between them, with a column the engine ignores."""
    lines = [
        line(customer, day, price=4.0 + number)
        for number, customer in enumerate([*CUSTOMERS, "NEAR-1", "NEAR-2"])
        for day in DAYS
    ]
    lines += [line("CANARY-1", DAYS[0], quantity=0.5, price=-1)]  # a refused row
    delivered = frame(sorted(lines, key=lambda one: (one[2], one[0])))
    return delivered.assign(mail=[f"{name}@example.com" for name in delivered["customer_id"]])


def deliver_everywhere(home: EngineHome) -> None:
    """The lines by thirds as CSV, gz and Parquet, and a Parquet file of customers alone."""
    lines = delivered_lines()
    home.deliver(lines.iloc[::3], "a.csv")
    home.deliver(lines.iloc[1::3], "b.csv.gz")
    lines.iloc[2::3].astype({"customer_id": "category"}).to_parquet(
        home.raw / "c.parquet", index=False, compression="zstd", row_group_size=4
    )
    alone = frame([line("CANARY-1", date(2011, 12, 24))])
    home.deliver(alone, "alone.parquet")


def traces(home: EngineHome) -> set[str]:
    """Files of the home in whose bytes or values somebody is who must be forgotten."""
    return {
        str(path.relative_to(home.root))
        for path in home.root.rglob("*")
        if path.is_file() and CANARY in contents(path).lower()
    }


def contents(path: Path) -> bytes:
    """The bytes of a file and, of what packs them, the values in it."""
    found = str(path.name).encode() + path.read_bytes()
    if path.suffix == ".gz":
        found += gzip.decompress(path.read_bytes())
    if path.suffix == ".parquet":
        found += pq.read_table(path).to_pandas().to_csv().encode()
        found += repr(pq.read_metadata(path).row_group(0).to_dict()).encode()
    if path.suffix == ".duckdb":
        with duckdb.connect(path, read_only=True) as con:
            for schema, table in con.execute(
                "select schema_name, table_name from duckdb_tables()"
            ).fetchall():
                rows = con.execute(f'select r::varchar from "{schema}"."{table}" as r').fetchall()
                found += repr(rows).encode()
    return found


def others(home: EngineHome) -> dict[str, str]:
    """A hash over the rows of everybody else, of every table with customers."""
    # lines after a forgotten one are renumbered, its day counts as changed, a killed `forget` may
    # have the file loaded again
    hidden = {
        "raw.transactions": "file_id, file_row",
        "staging.stg_transactions": "file_id, file_row",
        "intermediate.int_customer_days": "load_id",
    }
    with home.warehouse() as con:
        tables = con.execute(
            "select schema_name || '.' || table_name from duckdb_columns()"
            " where column_name = 'customer_id' and not internal"
        ).fetchall()
        return {
            name: table_hash(
                con,
                f"(select * {f'exclude ({hidden[name]})' if name in hidden else ''} from {name})",
                OTHERS,
            )
            for (name,) in tables
        }


def killed_at(home: EngineHome, step: str) -> int:
    """Exit code of a `forget` that is killed with -9 when it comes to `step`."""
    module, name = step.rsplit(".", 1)
    owner, _, attribute = name.partition(":")
    target = f"module.{owner}" if attribute else "module"
    code = (
        f"import importlib, os, signal, sys; sys.path.insert(0, {str(REPOSITORY)!r})\n"
        f"module = importlib.import_module({module!r})\n"
        f"def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)\n"
        f"setattr({target}, {attribute or owner!r}, die)\n"
        f"import orchestrate; orchestrate.entry()"
    )
    command = [sys.executable, "-c", code, "--home", str(home.root), "forget", *CUSTOMERS]
    return subprocess.run(command, env=environment(), check=False, timeout=120).returncode


@pytest.fixture(scope="module")
def known_home(rescored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """Customers in files of every kind, batches, drivers, a measured window, and outputs."""
    home = rescored_home.copy(tmp_path_factory.mktemp("known") / "home")
    deliver_everywhere(home)
    for cutoff in (PAST_CUTOFF, CUTOFF):
        home.call("run", "--cutoff", cutoff.isoformat())
    copied = home.outputs / "copies" / "clv_predictions.parquet"
    copied.parent.mkdir()
    with home.warehouse() as con:
        con.sql("from marts.clv_predictions").write_parquet(str(copied))
    return home


@pytest.fixture(scope="module")
def forgotten_home(known_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """The same after one `forget` of all of them."""
    home = known_home.copy(tmp_path_factory.mktemp("forgotten") / "home")
    (home.root / "forget.json").write_text(home.call("forget", *CUSTOMERS).stdout)
    return home


@pytest.fixture(scope="module")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """Loaded only, with a table among the outputs."""
    home = home_at(tmp_path_factory.mktemp("small") / "home")
    deliver_everywhere(home)
    home.outputs.mkdir(parents=True)
    delivered_lines().to_csv(home.outputs / "clv_predictions_2012-02-29_pred3m.csv", index=False)
    home.call("load")
    return home


@pytest.fixture(scope="module")
def cleared_home(small_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """The same after one `forget` of all of them."""
    home = small_home.copy(tmp_path_factory.mktemp("cleared") / "home")
    home.call("forget", *CUSTOMERS)
    return home


@pytest.fixture
def loaded_home(small_home: EngineHome, tmp_path: Path) -> EngineHome:
    return small_home.copy(tmp_path / "home")


# What is gone


def test_they_stood_in_every_kind_of_place_before(known_home: EngineHome):
    found = traces(known_home)
    assert "warehouse/clv.duckdb" in found
    assert CANARY in known_home.database.read_bytes().lower()
    raw = {"a.csv", "b.csv.gz", "c.parquet", "alone.parquet"}
    assert {f"warehouse/raw/{name}" for name in raw} <= found
    tables = ("clv_predictions", "clv_ranked_predictions", "clv_clusters", "clv_predictions_actual")
    assert {f"{name}_{PAST_CUTOFF}_pred3m.csv" for name in tables} <= {
        Path(name).name for name in found
    }


def test_no_byte_of_the_home_holds_them(forgotten_home: EngineHome):
    assert traces(forgotten_home) == set()


def test_rows_of_everybody_else_are_what_they_were(
    known_home: EngineHome, forgotten_home: EngineHome
):
    before = others(known_home)
    assert len(before) > 12
    assert others(forgotten_home) == before


def test_lines_of_everybody_else_keep_their_bytes(
    known_home: EngineHome, forgotten_home: EngineHome
):
    def kept(text: bytes) -> bytes:
        lines = text.splitlines(keepends=True)
        return b"".join(one for one in lines if CANARY not in one.lower())

    before, after = known_home.raw, forgotten_home.raw
    assert (after / "a.csv").read_bytes() == kept((before / "a.csv").read_bytes())
    packed = gzip.decompress((before / "b.csv.gz").read_bytes())
    assert gzip.decompress((after / "b.csv.gz").read_bytes()) == kept(packed)
    assert (after / "log.parquet").read_bytes() == (before / "log.parquet").read_bytes()
    for path in known_home.outputs.glob("*.csv"):
        assert (forgotten_home.outputs / path.name).read_bytes() == kept(path.read_bytes())


def test_a_parquet_file_keeps_types_compression_and_dictionaries(
    known_home: EngineHome, forgotten_home: EngineHome
):
    before, after = (
        pq.ParquetFile(home.raw / "c.parquet") for home in (known_home, forgotten_home)
    )
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    for file in (before, after):
        column = file.metadata.row_group(0).column(0)
        assert (column.compression, "RLE_DICTIONARY" in column.encodings) == ("ZSTD", True)
    rows = before.read().to_pandas()
    rows = rows[~rows["customer_id"].str.contains("canary", case=False)].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        after.read().to_pandas(), rows, check_categorical=False, check_dtype=False
    )


def test_a_file_of_them_alone_is_removed(forgotten_home: EngineHome):
    assert not (forgotten_home.raw / "alone.parquet").exists()


def test_lines_that_stay_are_numbered_as_they_lie_in_their_file(forgotten_home: EngineHome):
    for name in ("a.csv", "c.parquet"):
        rows = forgotten_home.rows(
            "select customer_id from raw.transactions join raw.files using (file_id)"
            f" where is_current and file_name = 'warehouse/raw/{name}' order by file_row"
        )
        path = forgotten_home.raw / name
        lines = pd.read_csv(path) if name.endswith("csv") else pd.read_parquet(path)
        assert [customer for (customer,) in rows] == list(lines["customer_id"])
        (last,) = forgotten_home.rows(
            "select max(file_row) from raw.transactions join raw.files using (file_id)"
            f" where is_current and file_name = 'warehouse/raw/{name}'"
        )
        assert last == (len(lines),)


def test_batches_count_who_is_left_and_keep_what_was_predicted(
    known_home: EngineHome, forgotten_home: EngineHome
):
    batches = (
        "select cutoff, model_id, predicted_total, customers from marts.clv_batches order by 1"
    )
    (before, after) = (home.rows(batches) for home in (known_home, forgotten_home))
    assert [row[:3] for row in after] == [row[:3] for row in before]
    assert [row[3] for row in after] != [row[3] for row in before]
    assert [row[3] for row in after] == [
        count
        for (count,) in forgotten_home.rows(
            "select count(*) from marts.clv_predictions group by cutoff, model_id order by cutoff"
        )
    ]


def test_comments_views_and_constraints_survive(known_home: EngineHome, forgotten_home: EngineHome):
    described = (
        "select schema_name, table_name, comment, null from duckdb_tables()"
        " where schema_name <> 'raw' union all"
        " select schema_name, view_name, comment, null from duckdb_views() where not internal"
        " union all select table_name, column_name, comment, is_nullable::varchar"
        " from duckdb_columns() where not internal and schema_name <> 'raw' order by all"
    )
    assert forgotten_home.rows(described) == known_home.rows(described)


def test_the_ledger_stays_valid_byte_for_byte(known_home: EngineHome, forgotten_home: EngineHome):
    def ledger(home: EngineHome) -> dict[str, bytes]:
        folder = home.manifest.parent
        return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert ledger(forgotten_home) == ledger(known_home)
    assert forgotten_home.call("status").result["champions"] == 1


def test_the_result_counts_rows_and_names_no_customer(forgotten_home: EngineHome):
    text = (forgotten_home.root / "forget.json").read_text()
    assert CANARY.decode() not in text.lower()
    assert '"new": 5' in text
    assert '"marts.clv_drivers"' in text
    assert "copies/clv_predictions.parquet" in text


# What does not come back


def test_the_next_load_has_nothing_to_do(forgotten_home: EngineHome):
    before = forgotten_home.database.read_bytes()
    result = forgotten_home.call("load").result
    assert (result["files_loaded"], result["files_removed"]) == ([], [])
    assert forgotten_home.database.read_bytes() == before


def test_a_run_after_it_measures_its_windows_without_them(
    forgotten_home: EngineHome, tmp_path: Path
):
    home = forgotten_home.copy(tmp_path / "home")
    measured = home.call("run").result["measured"]
    assert [found["revision"] for found in measured] == [max(f["revision"] for f in measured)]
    home.call("run", "--cutoff", CUTOFF.isoformat())
    assert traces(home) == set()
    assert home.call("run").result["measured"] == []


def test_a_delivery_that_brings_them_again_is_loaded_without_them(
    forgotten_home: EngineHome, tmp_path: Path
):
    home = forgotten_home.copy(tmp_path / "home")
    again = delivered_lines().assign(order_id=lambda lines: "NEW-" + lines["order_id"])
    home.deliver(again, "again.csv")
    result = home.call("load").result
    assert result["files_loaded"] == ["warehouse/raw/again.csv"]
    theirs = int(again["customer_id"].str.contains("canary", case=False).sum())
    assert result["forgotten"] == theirs
    counted = result["accepted"] + result["repeated"] + sum(result["rejected"].values())
    assert counted + theirs == result["delivered"]
    assert traces(home) == {"warehouse/raw/again.csv"}
    rows = "select count(*) from raw.transactions where order_id like 'NEW-NEAR%'"
    assert home.rows(rows) == [(2 * len(DAYS),)]

    assert home.call("forget", "CANARY-1").result["new"] == 0
    assert traces(home) == set()
    assert home.call("load").result["forgotten"] == 0
    assert home.rows(rows) == [(2 * len(DAYS),)]


def test_a_lost_warehouse_is_loaded_again_without_them(
    forgotten_home: EngineHome, known_home: EngineHome, tmp_path: Path
):
    home = forgotten_home.copy(tmp_path / "home")
    home.database.unlink()
    for path in known_home.raw.iterdir():  # the files come from a backup, too
        (home.raw / path.name).write_bytes(path.read_bytes())
    assert home.call("load").result["forgotten"] > 0
    assert not {name for name in traces(home) if "raw" not in name}
    assert home.call("load").result["files_loaded"] == []


def test_a_warehouse_from_a_backup_is_cleared_by_the_next_command(
    forgotten_home: EngineHome, known_home: EngineHome, tmp_path: Path
):
    home = forgotten_home.copy(tmp_path / "home")
    home.database.write_bytes(known_home.database.read_bytes())
    home.call("load")
    assert traces(home) == set()


def test_forgetting_again_changes_nothing(forgotten_home: EngineHome):
    files = [forgotten_home.database, forgotten_home.root / "warehouse" / "tombstones.json"]
    before = [path.read_bytes() for path in files]
    result = forgotten_home.call("forget", *CUSTOMERS).result
    assert (result["new"], result["tables"], result["files"]) == (0, {}, {})
    assert [path.read_bytes() for path in files] == before


def test_a_file_outside_the_home_is_named_and_left_alone(new_home: MakeHome, tmp_path: Path):
    outside = tmp_path / "elsewhere" / "log.csv"
    outside.parent.mkdir()
    delivered_lines().to_csv(outside, index=False)
    home = new_home(files=f"[warehouse/raw/*, {outside}]")
    home.deliver(frame([line("NEAR-3", DAYS[0])]))
    home.call("load")
    before = outside.read_bytes()
    theirs = sum(CANARY in one.lower() for one in before.splitlines())
    assert home.call("forget", *CUSTOMERS).result["files_outside"] == {str(outside): theirs}
    assert outside.read_bytes() == before
    assert traces(home) == set()
    outside.write_bytes(before + before.splitlines(keepends=True)[1])
    result = home.call("load").result
    assert result["files_loaded"] == [str(outside)]
    assert result["forgotten"] >= theirs
    assert traces(home) == set()


def test_ids_that_look_alike_are_others(new_home: MakeHome):
    home = new_home()
    alike = ["007", "7", "7.0", " 007", "007 ", "0007", "oo7"]
    home.deliver(frame([line(customer, DAYS[0]) for customer in alike]), "log.csv")
    home.deliver(frame([line("x", DAYS[0])]).assign(customer_id=[7.0]), "floats.parquet")
    home.call("load")
    home.call("forget", "7")
    rows = home.rows("select customer_id from raw.transactions order by all")
    # blanks around an id do not count
    assert {customer for (customer,) in rows} == {"007", "7.0", "0007", "oo7"}
    assert not (home.raw / "floats.parquet").exists()  # 7.0 as a number is read as 7


def test_all_spellings_of_one_e_mail_are_forgotten_together(new_home: MakeHome):
    home = new_home()
    spelled = ["anna@mail.example", "Anna@Mail.example", " ANNA@mail.example "]
    home.deliver(frame([line(one, DAYS[0]) for one in (*spelled, "bob@mail.example")]), "log.csv")
    home.call("load")
    result = home.call("forget", "ANNA@MAIL.EXAMPLE").result
    assert (result["customers"], result["files"]) == (1, {"warehouse/raw/log.csv": 3})
    assert home.rows("select customer_id from raw.transactions") == [("bob@mail.example",)]
    assert b"nna" not in (home.raw / "log.csv").read_bytes()
    home.deliver(frame([line(spelled[1], DAYS[0])]), "again.csv")
    assert home.call("load").result["forgotten"] == 1


# The call


def test_a_dry_run_counts_what_would_go_and_changes_nothing(
    known_home: EngineHome, forgotten_home: EngineHome
):
    before = known_home.state()
    wanted = known_home.call("forget", "--dry-run", *CUSTOMERS).result
    assert known_home.state() == before
    assert not (known_home.root / "warehouse" / "tombstones.json").exists()
    done = (forgotten_home.root / "forget.json").read_text()
    assert wanted == Outcome(0, done, "").result | {"dry_run": True}


def test_an_unknown_customer_is_refused_without_repeating_the_id(loaded_home: EngineHome):
    before = loaded_home.database.read_bytes()
    for arguments in (["NOBODY-9"], ["CANARY-1", "NOBODY-9"], ["--dryrun", "CANARY-1"]):
        outcome = loaded_home.call("forget", *arguments, expect=2)
        assert "NOBODY" not in outcome.message
        assert "canary" not in outcome.message.lower()
    assert loaded_home.database.read_bytes() == before
    assert not (loaded_home.root / "warehouse" / "tombstones.json").exists()


def test_ids_may_come_on_stdin(loaded_home: EngineHome):
    command = [sys.executable, PROGRAM, "--home", str(loaded_home.root), "forget", "-"]
    done = subprocess.run(
        command,
        input="\n".join(CUSTOMERS) + "\n",
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("5 customer(s) forgotten\n")
    assert CANARY.decode() not in done.stdout.lower()
    assert traces(loaded_home) == set()


def test_the_tombstones_are_salted_and_for_their_owner_alone(
    cleared_home: EngineHome, forgotten_home: EngineHome
):
    digests = []
    for home in (cleared_home, forgotten_home):
        path = home.root / "warehouse" / "tombstones.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        kept = json.loads(path.read_text())
        assert len(kept["forgotten"]) == len(CUSTOMERS)
        assert {digest for (digest,) in home.rows("from raw.tombstones")} == set(kept["forgotten"])
        assert kept["salt"].encode() not in home.database.read_bytes()
        digests.append(set(kept["forgotten"]))
    assert not digests[0] & digests[1]


def test_broken_tombstones_stop_a_load(loaded_home: EngineHome):
    (loaded_home.root / "warehouse" / "tombstones.json").write_text('{"salt": "00"}')
    loaded_home.deliver(delivered_lines(), "again.csv")
    assert "tombstones.json: broken" in loaded_home.call("load", expect=1).message


def test_a_file_that_cannot_be_searched_stops_it_before_anything_changes(loaded_home: EngineHome):
    files = [loaded_home.database, *loaded_home.raw.iterdir()]
    before = [path.read_bytes() for path in files]
    (loaded_home.raw / "cut.csv.gz").write_bytes(gzip.compress(b"customer_id\n" * 99)[:-9])
    message = loaded_home.call("forget", "CANARY-1", expect=4).message
    assert "cut.csv.gz: cannot be searched" in message
    assert [path.read_bytes() for path in files] == before
    assert not (loaded_home.root / "warehouse" / "tombstones.json").exists()


@pytest.mark.parametrize(("encoding", "code"), [("utf-16", 1), ("utf-8-sig", 0)])
def test_text_whose_rows_cannot_be_taken_out_is_refused_before_anything_changes(
    new_home: MakeHome, encoding: str, code: int
):
    home = new_home(files="warehouse/raw/*.csv", encoding=encoding)
    path = home.deliver(frame([line("A", CUTOFF), line("B", CUTOFF)]), "log.csv")
    path.write_text(path.read_text(), encoding=encoding)
    home.call("load")
    before = home.database.read_bytes(), path.read_bytes()
    outcome = home.call("forget", "A", expect=code)
    assert (home.root / "warehouse" / "tombstones.json").exists() == (code == 0)
    if code:
        assert encoding in outcome.message
        assert (home.database.read_bytes(), path.read_bytes()) == before
    else:
        assert path.read_bytes().startswith("\ufeff".encode()) and b"A," not in path.read_bytes()
    home.call("load")


def test_copies_that_were_landed_for_spark_go_too(loaded_home: EngineHome):
    landed = land(Home(loaded_home.root))
    assert any(landed.rglob("*.parquet"))
    loaded_home.call("forget", *CUSTOMERS)
    assert not landed.exists()


# Killed


@pytest.mark.parametrize(
    "step",
    [
        "ml.forgetting.forget._erase",
        "ml.forgetting.redaction.take_out_of_parquet",
        "ml.forgetting.forget._delete_rows",
        "ml.warehouse.side_copy.SideBuild:rewrite",
        "ml.forgetting.forget._rewrite_output",
        "ml.warehouse.side_copy.SideBuild:publish",
    ],
)
def test_a_killed_forget_is_completed_by_the_next_command(
    loaded_home: EngineHome, cleared_home: EngineHome, step: str
):
    assert killed_at(loaded_home, step) == -9
    assert (loaded_home.root / "warehouse" / "tombstones.json").exists()
    loaded_home.call("load")
    assert traces(loaded_home) == set()
    assert others(loaded_home) == others(cleared_home)
    assert not [path for path in loaded_home.root.rglob("*") if path.name.endswith(".part")]
    assert not (loaded_home.root / "warehouse" / ".build").exists()
    assert loaded_home.call("forget", *CUSTOMERS).result["new"] == 0


def test_what_the_engine_creates_is_for_its_owner_alone(tmp_path: Path):
    before = os.umask(0o022)
    try:
        home = home_at(tmp_path / "home")
        home.deliver(frame([line("NEAR-1", DAYS[0])]))
        home.call("load")
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.database.stat().st_mode) == 0o600
    home.database.chmod(0o640)  # a decision of the owner stays
    home.deliver(frame([line("NEAR-2", DAYS[0])]), "more.csv")
    home.call("load")
    assert stat.S_IMODE(home.database.stat().st_mode) == 0o640
