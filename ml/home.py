"""The layout of a home: where config and state live. Owns no file, names them all."""

import os
from dataclasses import dataclass
from pathlib import Path

from ml.errors import CallError

REPOSITORY = Path(__file__).resolve().parent.parent


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
        if root is not None and not root.strip():
            raise CallError("--home is empty; name the folder that holds config/")
        name = root or os.environ.get("CLV_HOME") or str(REPOSITORY)
        path = Path(name).expanduser().resolve()
        if not path.is_dir():
            raise CallError(f"--home {name!r}: no such folder; create it with config/ in it")
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
    def build(self) -> Path:
        """Scratch of the running command; swept by the next one."""
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
        """`path` as users know it: relative to the home where it lies inside."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)
