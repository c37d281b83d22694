"""What dbt makes of the project: what the doctor expects of it, and what a folder means."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT, environment

from ml.health.warehouse_checks import tables_by_tag

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


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Schema, tags and path below models/ of every model, by name."""
    return asked(tmp_path_factory.mktemp("dbt"), [])[0]


def asked(folder: Path, selectors: list[str]) -> list[dict[str, Any]]:
    """What ASK answers."""
    places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    places += ["--target-path", str(folder), "--log-path", str(folder)]
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        input=json.dumps([places, selectors]),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment(CLV_HOME=str(folder), DO_NOT_TRACK="1"),
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_doctor_expects_every_table_where_dbt_builds_it(models: dict[str, dict[str, Any]]):
    built: dict[str, set[str]] = {}
    for name, model in models.items():
        (tag,) = model["tags"] or [""]
        built.setdefault(tag, set()).add(f"{model['schema']}.{name}")
    assert len(models) > 40
    assert tables_by_tag() == built
