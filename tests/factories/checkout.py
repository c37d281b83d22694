"""A git repository of the code as it is now, and its command line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from answers import check_answer
from conftest import REPOSITORY, EngineHome, environment
from warm import Outcome

CODE = ("ml", "dbt_project", "config", "orchestrate.py", "pyproject.toml", "requirements.lock")


class Checkout:
    """The code, committed once, in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        ignored = shutil.ignore_patterns("__pycache__", "target", "logs", ".*_cache")
        for name in CODE:
            if (REPOSITORY / name).is_dir():
                shutil.copytree(REPOSITORY / name, root / name, ignore=ignored)
            else:
                shutil.copyfile(REPOSITORY / name, root / name)
        (root / ".gitignore").write_text("__pycache__/\n")
        self.git("init", "--quiet")
        self.commit()

    def git(self, *arguments: str) -> str:
        author = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        return subprocess.run(
            ["git", "-C", str(self.root), *author, *arguments],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "code")

    def call(self, home: EngineHome, *arguments: str, expect: int = 0, **more: str) -> Outcome:
        """A command of this checkout on `home`, with the exit code it must have."""
        done = subprocess.run(
            [sys.executable, "orchestrate.py", "--home", str(home.root), "--json", *arguments],
            cwd=self.root,
            env=environment(**more),
            capture_output=True,
            text=True,
            check=False,
        )
        outcome = Outcome(done.returncode, done.stdout, done.stderr)
        assert outcome.code == expect, outcome
        check_answer(arguments, outcome.result)
        return outcome

    def left_behind(self, temporary: Path) -> list[str]:
        """Worktrees and temporary folders that should be gone."""
        trees = self.git("worktree", "list", "--porcelain").split("\n\n")[1:]
        return [tree for tree in trees if tree.strip()] + os.listdir(temporary)
