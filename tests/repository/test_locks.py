"""The locks: exact versions with hashes, the same in each, and wheels for every Python we name."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

RUN, DEVELOP, SPARK = "requirements.lock", "requirements-dev.lock", "requirements-spark.lock"
LOCKS = (RUN, DEVELOP, SPARK)
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
RUNS = [*PROJECT["dependencies"], *EXTRAS["alerts"], *EXTRAS["jira"], *EXTRAS["demo"]]
# a line of a lock begins with its name, or goes on with a hash or a comment
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
GOES_ON = re.compile(r"    (--hash=sha256:[0-9a-f]{64}( \\)?|#.*)")


def locked(lock: str) -> dict[str, set[str]]:
    """Hashes by what stands before them: name, version and where it counts."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in (REPOSITORY / lock).read_text(encoding="utf-8").splitlines():
        if GOES_ON.fullmatch(line):
            found[name] |= set(HASH.findall(line))
        else:
            name = line.removesuffix(" \\")
            found[name] = set()
    return found


def pinned(lock: str, python: str) -> dict[str, str]:
    """Version by name of what a Python (such as 3.14) on this machine gets from a lock."""
    here = {"python_version": python, "python_full_version": f"{python}.0"}
    found = {}
    for requirement in map(Requirement, locked(lock)):
        if requirement.marker is None or requirement.marker.evaluate(here):
            (version,) = requirement.specifier
            assert version.operator == "=="
            found[canonicalize_name(requirement.name)] = version.version
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_exact_versions_with_hashes_and_no_address(lock: str):
    for text, hashes in locked(lock).items():
        requirement = Requirement(text)
        assert re.fullmatch(r"==[0-9A-Za-z.+!]+", str(requirement.specifier)), text
        assert hashes and requirement.url is None, text
    assert "://" not in (REPOSITORY / lock).read_text(encoding="utf-8")


@pytest.mark.parametrize(("smaller", "larger"), [(RUN, DEVELOP), (DEVELOP, SPARK)])
def test_a_larger_lock_holds_all_of_the_smaller_one_with_the_same_hashes(smaller: str, larger: str):
    assert locked(smaller).items() <= locked(larger).items()


def test_what_runs_holds_none_of_our_tools():
    tools = {canonicalize_name(Requirement(tool).name) for tool in EXTRAS["dev"]}
    tools.remove("jsonschema")  # dbt needs it to run, our tests name it for themselves
    assert tools.isdisjoint(pinned(RUN, "3.11"))
    assert tools <= pinned(DEVELOP, "3.11").keys()


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("lock", "wanted"),
    [(RUN, RUNS), (DEVELOP, EXTRAS["dev"]), (SPARK, EXTRAS["spark"])],
    ids=LOCKS,
)
def test_a_lock_has_a_version_of_everything_the_project_asks_for(
    lock: str, wanted: list[str], python: str
):
    versions = pinned(lock, python)
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)])


# What the package index has


def chosen(versions: dict[str, str], python: str, folder: Path) -> list[dict[str, Any]]:
    """What pip would install for a Python on this kind of machine, wheels alone.

    pip takes markers from the Python it runs in, so `versions` have none.
    """
    wanted, report = folder / "wanted.txt", folder / "report.json"
    wanted.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    way = ["--dry-run", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    target = ["--python-version", python, "--target", str(folder / "target")]
    done = subprocess.run(
        [*pip, *way, *target, "--report", str(report), "-r", str(wanted)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(report.read_text(encoding="utf-8"))["install"]


@pytest.mark.network
@pytest.mark.parametrize("python", PYTHONS)
def test_everything_that_runs_or_develops_has_a_wheel_of_the_lock(python: str, tmp_path: Path):
    versions = pinned(DEVELOP, python)  # which holds what runs
    known = set().union(*locked(DEVELOP).values())
    wheels = chosen(versions, python, tmp_path)
    assert len(wheels) == len(versions)
    for wheel in wheels:
        address = wheel["download_info"]["url"]
        assert address.endswith(".whl")
        assert wheel["download_info"]["archive_info"]["hashes"]["sha256"] in known, address
        needs = SpecifierSet(wheel["metadata"].get("requires_python") or "")
        assert needs.contains(f"{python}.0"), f"{address} needs Python {needs}"
