"""Which code and libraries a model was made with. Reads git and the installed packages."""

import hashlib
import platform
import subprocess
import tomllib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ml.home.layout import REPOSITORY

LOCK = "requirements.lock"
CODE = ("ml", "dbt_project", "orchestrate.py", "pyproject.toml", LOCK)
# whatever the user has told git about diffs
SAME_DIFF = (
    *("--binary", "--no-ext-diff", "--no-textconv", "--no-color", "--diff-algorithm=myers"),
    *("--src-prefix=a/", "--dst-prefix=b/"),
)
NO_COMMIT = "none"  # where the code is not in git
LIBRARIES = ("duckdb", "dbt-core", "dbt-duckdb", "numpy", "pandas", "scipy", "scikit-learn")


@dataclass(frozen=True)
class CodeState:
    """The commit, and the sha256 of uncommitted changes in code or lock where there are any.

    Outside git the commit is "none", the tree counts as dirty, and the hash is over the files.
    """

    commit: str
    dirty: bool
    diff_sha256: str


def code_state() -> CodeState:
    """The state of the code that runs now; the config is not code."""
    try:
        if Path(_git("rev-parse", "--show-toplevel").decode().strip()) != REPOSITORY:
            return CodeState(NO_COMMIT, True, _files_sha256())
        commit = _git("rev-parse", "--verify", "HEAD").decode().strip()
        diff = _git("diff", "HEAD", *SAME_DIFF, "--", *CODE)
        untracked = _git("ls-files", "--others", "--exclude-standard", "-z", "--", *CODE)
    except (subprocess.CalledProcessError, FileNotFoundError):
        return CodeState(NO_COMMIT, True, _files_sha256())
    digest = hashlib.sha256(diff)
    for name in sorted(filter(None, untracked.split(b"\0"))):
        digest.update(name + b"\0" + (REPOSITORY / name.decode()).read_bytes())
    dirty = bool(diff or untracked)
    return CodeState(commit, dirty, digest.hexdigest() if dirty else "")


@dataclass(frozen=True)
class EngineVersion:
    """The engine's name and version; its commit, and whether code was changed since, if known."""

    name: str
    version: str
    commit: str | None
    has_uncommitted_changes: bool | None


def engine_version() -> EngineVersion:
    """Which engine this is; its files need not be installed as a package."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    code = code_state()
    is_known = code.commit != NO_COMMIT
    return EngineVersion(
        project["name"],
        project["version"],
        code.commit if is_known else None,
        code.dirty if is_known else None,
    )


def library_versions() -> dict[str, str]:
    """Versions of Python and the libraries that a prediction depends on."""
    import xgboost

    others = {"python": platform.python_version(), "xgboost": str(xgboost.__version__)}
    return {name: version(name) for name in LIBRARIES} | others


def locked_versions(code: Path) -> dict[str, str]:
    """Name to version of what the lock in a folder of code pins for this machine and Python."""
    lines = (code / LOCK).read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line.removesuffix("\\")) for line in lines if line[:1].isalnum()]
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


def needed_libraries(code: Path) -> set[str]:
    """Names of the libraries without which the code in a folder does not run."""
    project = tomllib.loads((code / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {canonicalize_name(Requirement(one).name) for one in project["dependencies"]}


def has_our_libraries(code: Path) -> bool:
    """Whether the code in a folder, of another commit, runs on the same libraries as ours.

    Its lock pins everything that ours pins, in the same versions. It may pin more, such as the
    tools of developers, if our lock holds every library without which the code does not run.
    """
    ours = locked_versions(REPOSITORY)
    return ours.items() <= locked_versions(code).items() and needed_libraries(code) <= ours.keys()


def _git(*arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-C", str(REPOSITORY), *arguments], check=True, capture_output=True
    ).stdout


def _files_sha256() -> str:
    digest = hashlib.sha256()
    for name in CODE:
        path = REPOSITORY / name
        for file in sorted([path] if path.is_file() else path.rglob("*")):
            if file.is_file() and file.suffix in {".py", ".sql", ".yml", ".toml", ".lock"}:
                digest.update(str(file.relative_to(REPOSITORY)).encode() + file.read_bytes())
    return digest.hexdigest()
