"""dbt as people call it: as a program, or many calls in one process on a project parsed once."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from conftest import PROJECT, EngineHome, environment

DBT = Path(sys.executable).parent / "dbt"

# after each call: what it did, and whether the warehouse is another file than before
CALLS = """
import io, json, os, sys
from contextlib import redirect_stdout
from dbt.cli.main import dbtRunner
places, database, calls = json.load(sys.stdin)
quiet = ["--log-level", "none", "--log-level-file", "none"]
parsed = dbtRunner().invoke([*quiet, "parse", *places])
assert parsed.success, parsed.exception
def identity():
    stat = os.stat(database)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
outcomes = []
for call in calls:
    before, said = identity(), []
    runner = dbtRunner(
        manifest=parsed.result, callbacks=[lambda event: said.append(event.info.msg)]
    )
    with redirect_stdout(io.StringIO()):
        result = runner.invoke([*quiet, *call, *places])
    nodes = getattr(result.result, "results", None) or []
    nodes = [one.node for one in nodes if hasattr(one, "node")]
    built = [node.name for node in nodes if node.resource_type == "model"]
    words = "\\n".join([*said, str(result.exception or "")])
    outcomes.append([result.success, built, words, identity() != before])
print(json.dumps(outcomes))
"""


@dataclass(frozen=True)
class Outcome:
    """What a call of dbt did.

    built: models that ran. words: all that dbt said. published: the warehouse is a new file.
    """

    success: bool
    built: list[str]
    words: str
    published: bool


def dbt(home: EngineHome, folder: Path, *arguments: str, **variables: str):
    """The dbt program on a home, from a folder, with its files beside the home."""
    return subprocess.run(
        [str(DBT), *arguments, *places(home)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(CLV_HOME=str(home.root), DO_NOT_TRACK="1", **variables),
        timeout=300,
        check=False,
    )


def places(home: EngineHome) -> list[str]:
    """Where dbt writes: beside the home."""
    target = str(home.root.parent / "target")
    return ["--target-path", target, "--log-path", target]


def outcomes_of(home: EngineHome, calls: list[list[str]]) -> list[Outcome]:
    """What each call did, one after the other, in one process."""
    where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), *places(home)]
    done = subprocess.run(
        [sys.executable, "-c", CALLS],
        input=json.dumps([where, str(home.database), calls]),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment(CLV_HOME=str(home.root), DO_NOT_TRACK="1"),
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Outcome(*outcome) for outcome in json.loads(done.stdout.splitlines()[-1])]
