"""The warehouse file: what other programs write is never lost, other homes are left alone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ml.home.errors import EngineError, LockHeldError
from ml.home.files import PART
from ml.home.layout import Home
from ml.warehouse.side_copy import SideBuild, left_parts, locked, open_warehouse

OTHER_PROGRAM = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
if sys.argv[2] == "write":
    con.execute("insert into notes values ('theirs')")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.warehouse.mkdir(parents=True)
    home.config.parent.mkdir()
    with duckdb.connect(home.database) as con:
        con.execute("create table notes as select 'ours' as note")
    return home


def other_program(home: Home, work: str) -> subprocess.Popen[str]:
    """Another program with the warehouse open; work: write (a row, committed), wait or read."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROGRAM, str(home.database), work],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def notes(home: Home) -> list[str]:
    with open_warehouse(home) as con:
        return [note for (note,) in con.execute("select note from notes order by all").fetchall()]


@pytest.mark.parametrize("is_killed", [True, False])
def test_what_another_program_wrote_during_a_run_is_not_replaced(home: Home, is_killed: bool):
    with locked(home):
        side = SideBuild(home)
        with side.connect() as con:
            con.execute("insert into notes values ('new')")
        other = other_program(home, "write")
        if is_killed:
            os.kill(other.pid, signal.SIGKILL)
            other.wait()
        with pytest.raises(EngineError, match="changed by another program"):
            side.publish()
        other.communicate()
    assert notes(home) == ["ours", "theirs"]
    with locked(home):
        side = SideBuild(home)
        with side.connect() as con:
            con.execute("insert into notes values ('new')")
        side.publish()
    assert notes(home) == ["new", "ours", "theirs"]


def test_a_program_that_may_write_hinders_and_one_that_reads_does_not(home: Home):
    with locked(home):
        side = SideBuild(home)
        assert side.database.exists()
        idle = other_program(home, "wait")
        with pytest.raises(LockHeldError):
            side.publish()
        idle.communicate()
        reader = other_program(home, "read")
        side.publish()
        reader.communicate()


def test_a_file_that_is_no_database_is_not_called_busy(home: Home):
    home.database.write_bytes(b"no database" * 1000)
    with pytest.raises(EngineError, match="doctor") as refused, open_warehouse(home):
        pass
    assert not isinstance(refused.value, LockHeldError)


def test_what_a_killed_command_left_is_swept_in_its_own_home_alone(home: Home):
    ours = [home.warehouse / "outputs" / f".a.csv{PART}", home.warehouse / f".b{PART}"]
    other = Home(home.warehouse / "demo")
    theirs = other.outputs / f".a.csv{PART}"
    for part in (*ours, theirs):
        part.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    assert sorted(left_parts(home)) == sorted(ours)
    with locked(home):
        assert not any(part.exists() for part in ours) and theirs.exists()
