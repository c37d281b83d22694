"""The delivered files that the globs of `source.files` name."""

import os
from pathlib import Path

from ml.home.config import Source
from ml.home.errors import CallError
from ml.home.layout import Home


def source_files(home: Home, source: Source) -> list[Path]:
    """The files of source.files in name order, each once.

    Raises CallError when a pattern matches nothing or an ending is not readable.
    """
    return matching_files(home, source.patterns)


def matching_files(home: Home, patterns: list[str]) -> list[Path]:
    """The files that the globs `patterns` match, relative to the home; as source_files()."""
    paths: dict[Path, None] = {}
    for pattern in patterns:
        matches = _glob(home.root, pattern)
        if not matches:
            raise CallError(
                f"{home.relative(home.config)}: source.files: no file matches {pattern!r} "
                f"(relative to the home)",
                "check the path",
            )
        paths.update(dict.fromkeys(matches))
    for path in paths:
        if set(path.name) & set("*?[]{}"):
            raise CallError(
                f"{home.relative(path)!r}: a name with one of *?[]{{}} can mean several files",
                "rename it",
            )
        if not path.name.endswith((".parquet", ".csv", ".csv.gz")):
            raise CallError(
                f"{home.relative(path)}: source.files takes .parquet, .csv and .csv.gz",
                "change the glob, or convert the file",
            )
    return sorted(paths, key=str)


def _glob(root: Path, pattern: str) -> list[Path]:
    anchor = Path(pattern).anchor
    base = Path(anchor) if anchor else root
    tail = os.path.relpath(pattern, anchor) if anchor else pattern
    return [path for path in base.glob(tail) if path.is_file()]
