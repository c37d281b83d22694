"""The layout of a home: where config and state live. Owns no file, names them all."""

import os
from dataclasses import dataclass
from pathlib import Path

from ml.home.errors import CallError

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Home:
    """A folder that holds `config/` and `warehouse/`; two homes never touch."""

    root: Path

    @classmethod
    def resolve(cls, root: str | None = None) -> "Home":
        """The home named by `root`, else by CLV_HOME, else the repository.

        Raises CallError when the folder does not exist, or `root` is empty: a variable that a
        script forgot to set must not work on another home.
        """
        name = _name(root)
        home = cls.named(root)
        if not home.root.is_dir():
            raise CallError(f"--home {name!r}: no such folder", "`init` makes one with a config")
        return home

    @classmethod
    def named(cls, root: str | None = None) -> "Home":
        """The same home, which need not exist yet. Raises CallError when it is no folder."""
        name = _name(root)
        path = Path(name).expanduser().resolve()
        if path.exists() and not path.is_dir():
            raise CallError(
                f"--home {name!r}: is not a folder", "give the folder that holds config/"
            )
        return cls(path)

    @property
    def config(self) -> Path:
        return self.root / "config" / "model_config.yaml"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def database(self) -> Path:
        return self.warehouse / "clv.duckdb"

    @property
    def lock(self) -> Path:
        return self.warehouse / ".lock"

    @property
    def tombstones(self) -> Path:
        return self.warehouse / "tombstones.json"

    @property
    def build(self) -> Path:
        """Temporary folder of the running command; the next command empties it."""
        return self.warehouse / ".build"

    @property
    def dbt_cache(self) -> Path:
        return self.warehouse / ".dbt"

    @property
    def models(self) -> Path:
        return self.warehouse / "models"

    @property
    def outputs(self) -> Path:
        return self.warehouse / "outputs"

    def relative(self, path: Path) -> str:
        """`path` as users know it: relative to the home if it is inside."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def _name(root: str | None) -> str:
    if root is not None and not root.strip():
        raise CallError("--home is empty", "give the folder that holds config/")
    return root or os.environ.get("CLV_HOME") or str(REPOSITORY)
