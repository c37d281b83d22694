"""SQL in files: a package keeps its queries in a folder of its own, where sqlfluff checks them."""

from pathlib import Path


class Queries:
    """The queries beside a module, by name: `Queries(__file__)["tiers"]` is queries/tiers.sql.

    Values are bound by name, as $cutoff. Raises FileNotFoundError for a name that is no file.
    """

    def __init__(self, module: str) -> None:
        self._folder = Path(module).parent / "queries"

    def __getitem__(self, name: str) -> str:
        return (self._folder / f"{name}.sql").read_text(encoding="utf-8")
