"""The examples for cron and Airflow call the command that exists."""

import ast
import importlib.util
import re
import shlex
from importlib.util import find_spec
from types import ModuleType

import pytest
from conftest import REPOSITORY

DAG_FILE = REPOSITORY / "schedule" / "airflow_dag.py"
CRONTAB = REPOSITORY / "schedule" / "crontab.example"


def constants() -> dict[str, object]:
    """Plain values at the top of the DAG file."""
    tree = ast.parse(DAG_FILE.read_text(encoding="utf-8"))
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }


def imported_dag() -> ModuleType:
    spec = importlib.util.spec_from_file_location("airflow_dag", DAG_FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_dag_compiles_and_names_its_parameters_at_the_top():
    compile(DAG_FILE.read_text(encoding="utf-8"), str(DAG_FILE), "exec")
    assert {"REPOSITORY", "HOME", "AT"} <= set(constants())


def test_the_dag_holds_no_logic_of_its_own():
    tree = ast.parse(DAG_FILE.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.If)
    assert [node for node in ast.walk(tree) if isinstance(node, kinds)] == []


def test_the_crontab_line_is_five_fields_and_the_run_command():
    (line,) = [row for row in CRONTAB.read_text(encoding="utf-8").splitlines() if row[:1] != "#"]
    fields = line.split(maxsplit=5)
    assert all(re.fullmatch(r"[0-9*,/-]+", field) for field in fields[:5])
    assert "orchestrate.py --home" in fields[5]
    assert "run" in shlex.split(fields[5])


def test_both_examples_name_the_same_place_and_hour():
    names = constants()
    line = CRONTAB.read_text(encoding="utf-8")
    assert all(str(names[name]) in line for name in ("REPOSITORY", "HOME", "AT"))


@pytest.mark.skipif(find_spec("airflow") is None, reason="Airflow is not installed")
def test_airflow_finds_one_task_that_runs_the_engine():
    module = imported_dag()
    (task,) = module.dag.tasks
    assert task.bash_command == module.COMMAND
    assert shlex.split(task.bash_command)[-1] == "run"
