"""Which code a model was made with: a commit, a dirty work tree, or no git at all."""

import json
import re
import shutil
from pathlib import Path

import pytest
from checkout import Checkout
from conftest import CUTOFF, REPOSITORY, EngineHome, home_at, transaction_log

from ml.home.layout import Home
from ml.ledger import manifest, provenance
from ml.ledger.provenance import CodeState, code_state, has_our_libraries


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    root = tmp_path / "code"
    root.mkdir()
    monkeypatch.setattr(provenance, "REPOSITORY", root)
    return Checkout(root)


def change(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")


def test_a_clean_commit_is_named_alone(checkout: Checkout):
    assert code_state() == CodeState(checkout.git("rev-parse", "HEAD").strip(), False, "")


@pytest.mark.parametrize("name", ["config/model_config.yaml", "README.md", "ml/__pycache__/x.pyc"])
def test_config_documents_and_caches_are_not_code(checkout: Checkout, name: str):
    clean = code_state()
    change(checkout.root / name)
    assert code_state() == clean


@pytest.mark.parametrize(
    "name",
    [
        "ml/home/dates.py",
        "ml/a new module.py",
        "dbt_project/macros/windows.sql",
        "orchestrate.py",
        "pyproject.toml",
        "requirements.lock",
    ],
)
def test_every_change_in_code_or_lock_has_its_own_hash(checkout: Checkout, name: str):
    commit, hashes = code_state().commit, set[str]()
    for _ in range(2):
        change(checkout.root / name)
        state = code_state()
        assert (state.commit, state.dirty, len(state.diff_sha256)) == (commit, True, 64)
        hashes.add(state.diff_sha256)
    # a change is one whether it is staged or not; committed, it is none
    checkout.git("add", "--all")
    assert code_state().dirty
    checkout.commit()
    assert (code_state().dirty, len(hashes)) == (False, 2)


def test_a_removed_file_is_a_change(checkout: Checkout):
    (checkout.root / "ml" / "home" / "dates.py").unlink()
    assert code_state().dirty


@pytest.mark.parametrize("reason", ["no git folder", "no commit", "inside another", "no program"])
def test_outside_git_the_files_are_hashed(
    checkout: Checkout, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    if reason == "no program":
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        shutil.rmtree(checkout.root / ".git")
    if reason == "no commit":
        checkout.git("init", "--quiet")
    if reason == "inside another":
        Checkout(tmp_path)
    first = code_state()
    assert (first.commit, first.dirty, len(first.diff_sha256)) == ("none", True, 64)
    change(checkout.root / "config" / "model_config.yaml")
    assert code_state() == first
    change(checkout.root / "ml" / "home" / "dates.py")
    assert code_state().diff_sha256 not in ("", first.diff_sha256)


def other_code(folder: Path, lock: str, *more: str) -> Path:
    """A folder of code with a lock, and with `more` dependencies than ours."""
    folder.mkdir()
    (folder / "requirements.lock").write_text(lock)
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    needed = "".join(f'\n    "{name}",' for name in more)
    text = project.replace("dependencies = [", f"dependencies = [{needed}", 1)
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_code_runs_on_our_libraries_if_its_lock_pins_the_same_versions_or_more(tmp_path: Path):
    ours = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    more = (REPOSITORY / "requirements-dev.lock").read_text(encoding="utf-8")
    assert has_our_libraries(other_code(tmp_path / "ours", ours))
    assert has_our_libraries(other_code(tmp_path / "more", more))
    # ours lacks what this code cannot do without
    assert not has_our_libraries(other_code(tmp_path / "needs more", more, "pytest>=9"))


@pytest.mark.parametrize("library", ["duckdb", "numpy", "joblib", "typing-extensions"])
def test_code_with_one_other_library_does_not_run_on_ours(library: str, tmp_path: Path):
    ours = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    other = re.sub(rf"^{library}==", f"{library}==0", ours, flags=re.MULTILINE)
    fewer = re.sub(rf"^{library}==.*\n(    .*\n)*", "", ours, flags=re.MULTILINE)
    for name, lock in (("other", other), ("fewer", fewer)):
        assert lock != ours
        assert not has_our_libraries(other_code(tmp_path / name, lock))


def recorded(home: EngineHome) -> CodeState:
    """What the newest row of the ledger says; its card must say the same."""
    row = manifest.champion(Home(home.root))
    card = json.loads(manifest.card_path(Home(home.root), row.model_id).read_text())
    state = CodeState(card["code_commit"], card["code_dirty"], card["code_diff_sha256"])
    fields = [row.fields[name] for name in ("code_commit", "code_dirty", "code_diff_sha256")]
    assert fields == [state.commit, str(state.dirty).lower(), state.diff_sha256]
    return state


def test_card_and_ledger_record_a_dirty_tree_and_no_git(checkout: Checkout, tmp_path: Path):
    home = home_at(tmp_path / "home")
    home.deliver(transaction_log())
    arguments = ("train", "--cutoff", CUTOFF.isoformat())
    change(checkout.root / "ml" / "home" / "dates.py")
    dirty = code_state()
    checkout.call(home, *arguments)
    assert recorded(home) == dirty and dirty.dirty
    shutil.rmtree(checkout.root / ".git")
    checkout.call(home, *arguments)
    assert recorded(home) == code_state() and code_state().commit == "none"
    assert len(manifest.read_manifest(Home(home.root))) == 2
