"""What dbt makes of the project: what the doctor expects of it, and what a folder means."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT, environment

from ml.home.layout import Home
from ml.warehouse.dbt_project import DbtProject

# the project as dbt reads it: its models, and what every selector names
ASK = """
import io, json, sys
from contextlib import redirect_stdout
from dbt.cli.main import dbtRunner
places, selectors = json.load(sys.stdin)
quiet = ["--log-level", "none", "--log-level-file", "none", "--no-write-json"]
parsed = dbtRunner().invoke([*quiet, "parse", *places])
assert parsed.success, parsed.exception
models = {
    node.name: {"schema": node.schema, "tags": node.tags, "path": node.path}
    for node in parsed.result.nodes.values()
    if node.resource_type == "model"
}
selected = {}
for selector in selectors:
    call = ["ls", "--selector", selector, "--resource-type", "model", "--output", "name"]
    with redirect_stdout(io.StringIO()):
        listed = dbtRunner(manifest=parsed.result).invoke([*quiet, *call, *places])
    assert listed.success, listed.exception
    selected[selector] = listed.result
print(json.dumps([models, selected]))
"""


FOLDERS = sorted(path.name for path in (PROJECT / "models" / "intermediate").iterdir())


@dataclass(frozen=True)
class Read:
    """The project as dbt reads it.

    models: schema, tags and path below models/ of every model, by name.
    selected: names of the models of every selector that a folder of intermediate is named after.
    """

    models: dict[str, dict[str, Any]]
    selected: dict[str, list[str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Read:
    folder = tmp_path_factory.mktemp("dbt")
    places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    places += ["--target-path", str(folder), "--log-path", str(folder)]
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        input=json.dumps([places, FOLDERS]),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment(CLV_HOME=str(folder), DO_NOT_TRACK="1"),
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Read(*json.loads(done.stdout.splitlines()[-1]))


def test_the_doctor_expects_every_table_where_dbt_builds_it(project: Read, tmp_path: Path):
    selectors = ["load", "ledger", "batch", "monitor", "training"]
    expected = DbtProject(Home(tmp_path)).tables(selectors)
    assert len(project.models) > 40
    built = {f"{model['schema']}.{name}" for name, model in project.models.items()}
    assert set.union(*expected.values()) == built


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_intermediate_holds_what_the_selector_of_its_name_builds(
    folder: str, project: Read
):
    inside = {name: Path(model["path"]).parts for name, model in project.models.items()}
    held = {name for name, parts in inside.items() if parts[:-1] == ("intermediate", folder)}
    built = {name for name in project.selected[folder] if inside[name][0] == "intermediate"}
    assert held
    assert held == built
