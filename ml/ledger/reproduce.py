"""`reproduce`: a past model is trained again from its ledger row, and compared to the last digit.

Works in a temporary folder: a git worktree of the model's commit, a home with the model's own
settings on the present files. Of the real home it writes one thing, a missing artefact, and only
with the bytes that the manifest names.
"""

import glob
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ml.delivery.tombstones import read_tombstones
from ml.home.config import Source, load_config
from ml.home.errors import EngineError
from ml.home.files import sha256_of, write_atomically
from ml.home.layout import REPOSITORY, Home
from ml.ledger import manifest
from ml.ledger.manifest import ChampionRow
from ml.ledger.provenance import LOCK, has_our_libraries
from ml.warehouse.side_copy import locked

Progress = Callable[[str], None]

# what would lead the rebuilt commit to other code, another home or another repository
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
MOST_DAYS_NAMED = 5


@dataclass(frozen=True)
class Rebuilt:
    """The card and the artefact of a second training."""

    card: dict[str, Any]
    artefact: bytes
    artefact_sha256: str


@dataclass(frozen=True)
class Baselines:
    """Out-of-time RMSE and R2 as text with every digit, "None" where one is undefined."""

    baseline_rmse: str
    baseline_r2: str


@dataclass(frozen=True)
class ChangedDays:
    """Days (YYYY-MM-DD) whose rows are missing now, are there only now, or differ."""

    missing: list[str]
    extra: list[str]
    changed: list[str]


@dataclass(frozen=True)
class Comparison:
    """What is equal in the ledger and in a second training, what is not, and what explains it.

    changed_days: None where the card was purged. changed_libraries: version then and now.
    forgotten_customers: how many were forgotten since the model was trained.
    """

    model_id: str
    equal: bool
    training_cutoff: date
    code_commit: str
    manifest: Baselines
    rebuilt: Baselines
    same_data: bool
    changed_days: ChangedDays | None
    changed_libraries: dict[str, list[str | None]]
    same_artefact: bool
    forgotten_customers: int
    explanations: list[str]


@dataclass(frozen=True)
class ReproduceAnswer(Comparison):
    """The comparison; whether the artefact had to be put back, and whether it was."""

    restore_wanted: bool
    restored: bool


def reproduce(
    home: Home, progress: Progress, model_id: str, *, restore: bool = False
) -> ReproduceAnswer:
    """Train `model_id` again at its commit, cutoff, settings; say whether it is equal, or why not.

    A missing artefact (with `restore` also one that is there but was changed) is put back when the
    rebuilt one has the bytes of the manifest. Raises EngineError when the commit is not in git, the
    card is broken, or the training fails.
    """
    source = load_config(home).source
    row = manifest.model_row(home, model_id)
    manifest.check_card(home, row)
    with _worktree(row) as code:
        python = _interpreter(code, code.parent / "venv", progress)
        twin = _twin_home(code.parent / "home", home, source, row)
        progress(f"training {model_id} again at {row.training_cutoff}")
        rebuilt = _train(python, code, twin, row)
    forgotten = read_tombstones(home).since(row.written_at)
    compared = comparison(row, rebuilt, _days_of(home, row), forgotten)
    path = manifest.artefact_path(home, model_id)
    wanted = not path.exists() or (restore and sha256_of(path) != row.fields["artefact_sha256"])
    restored = wanted and compared.equal and compared.same_artefact
    if restored:
        with locked(home):
            write_atomically(path, rebuilt.artefact)
    return ReproduceAnswer(**vars(compared), restore_wanted=wanted, restored=restored)


@contextmanager
def _worktree(row: ChampionRow) -> Iterator[Path]:
    """The commit of `row`, checked out in a temporary folder until the block ends."""
    commit = row.fields["code_commit"]
    if commit == "none":
        raise EngineError(
            f"{row.model_id} was trained outside git, so its commit is not known",
            "train a model from a git checkout: only such models can be reproduced",
        )
    try:
        _git("cat-file", "-e", f"{commit}^{{commit}}")
    except subprocess.CalledProcessError:
        raise EngineError(
            f"commit {commit} of {row.model_id} is not known to git in {REPOSITORY}",
            "fetch it (git fetch --all --tags --unshallow) and run the command again",
        ) from None
    with tempfile.TemporaryDirectory(prefix="clv-reproduce-") as folder:
        code = Path(folder).resolve() / "code"
        try:
            try:
                _git("worktree", "add", "--quiet", "--detach", str(code), commit)
            except subprocess.CalledProcessError as error:
                raise EngineError(
                    f"git worktree of {commit}: {_last_line(error.stderr)}",
                    "remove what git names, or free some space, and run the command again",
                ) from None
            yield code
        finally:
            for cleanup in (("remove", "--force", str(code)), ("prune",)):
                _git("worktree", *cleanup, check=False)


def _interpreter(code: Path, venv: Path, progress: Progress) -> str:
    """This interpreter when the commit has our libraries, else one with those of its lock."""
    lock = code / LOCK
    if not lock.exists():
        raise EngineError(
            f"the commit has no {LOCK}, so its libraries are not known",
            "choose a model whose commit has one",
        )
    if has_our_libraries(code):
        return sys.executable
    progress("installing the libraries of that commit")
    python = str(venv / "bin" / "python")
    _run([sys.executable, "-m", "venv", str(venv)], code, "venv")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(
        [*pip, "--require-hashes", "-r", str(lock)],
        code,
        f"pip install -r {LOCK} of that commit",
    )
    return python


def _twin_home(root: Path, home: Home, source: Source, row: ChampionRow) -> Path:
    """A home on the same files with the model's settings; its config is JSON, which is YAML."""
    settings = dict(json.loads(row.fields["hyper_parameters"])["settings"])
    clusters = settings.pop("clusters")
    config = {
        "source": source.model_dump(mode="json", exclude_defaults=True)
        | {"files": [_absolute(home, pattern) for pattern in source.patterns]},
        "training": settings,
        "segments": {"clusters": clusters},
    }
    (root / "config").mkdir(parents=True)
    (root / "warehouse").mkdir()
    text = json.dumps(config, indent=2, ensure_ascii=False)
    (root / "config" / "model_config.yaml").write_text(text, encoding="utf-8")
    if home.tombstones.exists():  # who was forgotten is not read again for a reproduction
        shutil.copyfile(home.tombstones, Home(root).tombstones)
    return root


def _absolute(home: Home, pattern: str) -> str:
    """A glob of the config that means the same from any other home."""
    if Path(pattern).is_absolute():
        return pattern
    return f"{glob.escape(str(home.root))}/{pattern}"


def _train(python: str, code: Path, twin: Path, row: ChampionRow) -> Rebuilt:
    """Train in the twin of the home with the code, and nothing but the code, of the commit."""
    command = [python, "orchestrate.py", "--home", str(twin), "--json", "--quiet"]
    what = f"training at commit {row.fields['code_commit'][:12]}"
    answer = _run([*command, "train", "--cutoff", row.training_cutoff.isoformat()], code, what)
    model_id = json.loads(answer)["model_id"]
    trained = Home(twin)
    artefact = manifest.artefact_path(trained, model_id)
    card = json.loads(manifest.card_path(trained, model_id).read_text(encoding="utf-8"))
    return Rebuilt(card, artefact.read_bytes(), sha256_of(artefact))


def _days_of(home: Home, row: ChampionRow) -> dict[str, str] | None:
    """Rows and hash of every day the model was trained on; None when the card was purged."""
    path = manifest.card_path(home, row.model_id)
    if not path.exists():
        return None
    return json.loads(path.read_text(encoding="utf-8"))["data_days"]


def comparison(
    row: ChampionRow, rebuilt: Rebuilt, days: dict[str, str] | None, forgotten: int
) -> Comparison:
    """What is equal, what is not, and what explains it; `forgotten`: customers since then."""
    then = Baselines(repr(row.baseline("rmse")), repr(row.baseline("r2")))
    now = Baselines(*(repr(_known(rebuilt.card[f"baseline_{name}"])) for name in ("rmse", "r2")))
    same_data = rebuilt.card["data_fingerprint"] == row.fields["data_fingerprint"]
    changed_days = _changed_days(days, rebuilt.card["data_days"]) if days is not None else None
    libraries = _changed_libraries(row, rebuilt.card["library_versions"])
    equal = same_data and then == now
    reasons = () if equal else _explanations(row, same_data, changed_days, libraries, forgotten)
    return Comparison(
        model_id=row.model_id,
        equal=equal,
        training_cutoff=row.training_cutoff,
        code_commit=row.fields["code_commit"],
        manifest=then,
        rebuilt=now,
        same_data=same_data,
        changed_days=changed_days,
        changed_libraries=libraries,
        same_artefact=rebuilt.artefact_sha256 == row.fields["artefact_sha256"],
        forgotten_customers=forgotten,
        explanations=list(reasons),
    )


def _known(figure: float | None) -> float | None:
    return float(figure) if figure is not None and math.isfinite(figure) else None


def _changed_days(then: dict[str, str], now: dict[str, str]) -> ChangedDays:
    """The days that differ; then and now: day to its rows and their hash."""
    both = then.keys() & now.keys()
    return ChangedDays(
        missing=sorted(then.keys() - now.keys()),
        extra=sorted(now.keys() - then.keys()),
        changed=sorted(day for day in both if then[day] != now[day]),
    )


def _changed_libraries(row: ChampionRow, now: dict[str, str]) -> dict[str, list[str | None]]:
    """Version at the training and now, of the libraries where they differ."""
    then = json.loads(row.fields["library_versions"])
    return {
        name: [then.get(name), now.get(name)]
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    }


def _explanations(
    row: ChampionRow,
    same_data: bool,
    changed_days: ChangedDays | None,
    libraries: dict[str, list[str | None]],
    forgotten: int,
) -> list[str]:
    """Why the rebuilt model may differ, in words, the surest cause first."""
    reasons = []
    if not same_data:
        since = f"{forgotten} customer(s) were forgotten since; " if forgotten else ""
        reasons.append(f"the data changed: {since}{_days_in_words(changed_days)}")
    if row.fields["code_dirty"] == "true":
        digest = row.fields["code_diff_sha256"][:12]
        reasons.append(f"it was trained with uncommitted changes (sha256 {digest}…), not in git")
    if libraries:
        changes = (f"{name} {then} then, {now} now" for name, (then, now) in libraries.items())
        reasons.append(f"libraries differ: {', '.join(changes)}")
    return reasons or ["data, code and libraries are the same; the processor may differ"]


def _days_in_words(changed_days: ChangedDays | None) -> str:
    if changed_days is None:
        return "on which days is not known, the card was purged"
    changes = []
    for kind, days in vars(changed_days).items():
        first = ", ".join(days[:MOST_DAYS_NAMED])
        more = f" and {len(days) - MOST_DAYS_NAMED} more" if len(days) > MOST_DAYS_NAMED else ""
        changes += [f"{len(days)} day(s) {kind} ({first}{more})"] if days else []
    return "; ".join(changes)


def _git(*arguments: str, check: bool = True) -> None:
    """git on the repository, without its hooks."""
    command = [
        "git",
        "-C",
        str(REPOSITORY),
        "-c",
        f"core.hooksPath={os.devnull}",
        *arguments,
    ]
    try:
        subprocess.run(command, check=check, capture_output=True, env=_environment())
    except FileNotFoundError:
        raise EngineError(
            "git is not installed", "`reproduce` needs it to find the commit"
        ) from None


def _run(command: list[str], code: Path, what: str) -> str:
    """stdout of a command run in the worktree. Raises EngineError with its error when it fails."""
    done = subprocess.run(
        command,
        cwd=code,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise _failure(what, done)
    return done.stdout


def _failure(what: str, done: subprocess.CompletedProcess[str]) -> EngineError:
    """The error of a command: as the engine of that commit tells it, else its last line."""
    try:
        error = json.loads(done.stdout)["error"]
        return EngineError(f"{what} failed: {error['message']}", error["remedy"])
    except (ValueError, KeyError, TypeError):  # pip, or a commit from before errors were JSON
        reason = _last_line(done.stderr).removeprefix("error: ")
        return EngineError(f"{what} failed: {reason}", "mend that and run the command again")


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith("CLV_")
    }


def _last_line(text: str | bytes) -> str:
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no message"
