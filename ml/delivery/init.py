"""A new home for own data: columns guessed, the files tried, the config written.

Owns config/model_config.yaml when it is first made. The preview reads the files as `load` does;
nothing stands in the home before they were found usable.
"""

import glob
import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ruamel.yaml import YAML

from ml.delivery.file_kinds import ENDINGS_IN_WORDS, ending_of, is_beside_data
from ml.delivery.preview import Preview, read_files
from ml.delivery.proposal import InitOptions, propose
from ml.delivery.text_layout import DELIMITERS
from ml.home.config import Source, load_config
from ml.home.errors import CallError
from ml.home.files import write_atomically
from ml.home.layout import REPOSITORY, Home
from ml.warehouse.side_copy import locked

FILTERS = ("layout", "keep", "drop")
TEMPLATE = REPOSITORY / "config" / "model_config.yaml"


@dataclass(frozen=True)
class InitAnswer(Preview):
    """The preview, and the config that was written."""

    config: str


class Dialogue(Protocol):
    """Somebody who can be asked."""

    def answer(self, question: str, default: str) -> str: ...

    def agrees(self, preview: Preview) -> bool: ...


def init(
    home: Home,
    progress: Callable[[str], None],
    options: InitOptions,
    dialogue: Dialogue | None = None,
    *,
    force: bool = False,
) -> InitAnswer:
    """Write the config of `home` for the files and columns of `options`, the rest guessed.

    With `dialogue` every guess is asked back and the preview must be agreed to. An existing config
    is refused without `force`, and with it only its `source` changes. Raises CallError when a
    column cannot be guessed, DataNotReadyError when too few rows are usable.
    """
    if home.config.exists() and not force:
        raise CallError(
            f"{home.relative(home.config)} exists already in {home.root}",
            "give another home with --home, or replace the source section with --force",
        )
    patterns = _patterns(home, _files(options, dialogue))
    with tempfile.TemporaryDirectory(prefix="clv-init-") as scratch:
        source, notes = propose(home, Path(scratch), patterns, options, dialogue, progress)
        progress("reading the files as `load` will")
        root = Path(glob.escape(str(home.root)))
        absolute = source.model_copy(
            update={"files": [str(root / pattern) for pattern in source.patterns]}
        )
        read, said = read_files(Home(Path(scratch)), absolute)
    said += _left_in_folders(options.files)
    preview = Preview(**vars(read), notes=[*notes, *said], source=source, home=str(home.root))
    if dialogue is not None and not dialogue.agrees(preview):
        raise CallError("nothing was written", "call `init` again with the columns you want")
    with locked(home):
        write_atomically(home.config, config_text(_template(home), source).encode())
    load_config(home)
    return InitAnswer(**vars(preview), config=home.relative(home.config))


# The files


def _files(options: InitOptions, dialogue: Dialogue | None) -> list[str]:
    if options.files:
        return options.files
    if dialogue is None:
        raise CallError(
            "the transaction files are missing",
            f"write `init FILE`, where FILE is one of {ENDINGS_IN_WORDS}, or a glob such as "
            f"data/*.csv",
        )
    return [dialogue.answer("transaction file (parquet, csv, xlsx, …; a glob or a folder)", "")]


def _patterns(home: Home, files: list[str]) -> list[str]:
    """The globs for source.files: relative to the home below it, else absolute."""
    patterns: list[str] = []
    for name in files:
        path = Path(os.path.abspath(Path(name).expanduser())) if name else home.root / "?"
        if path.is_dir():
            patterns += _globs_of_folder(home, path, name)
        elif path.is_file():  # a name with a sign of patterns in it is a name
            patterns.append(glob.escape(home.relative(path)))
        else:
            patterns.append(home.relative(path))
    return patterns


def _globs_of_folder(home: Home, folder: Path, name: str) -> list[str]:
    """A glob for each ending of the files in a folder; of folders in it where it holds none."""
    for below in ("", "**/"):
        endings = _endings_in(folder, below)
        if endings:
            base = glob.escape(home.relative(folder))
            return [f"{base}/{below}*{ending}".removeprefix("./") for ending in endings]
    raise CallError(
        f"{name}: the folder holds no file that is read ({ENDINGS_IN_WORDS})",
        "give the folder or the files that hold your transactions",
    )


def _endings_in(folder: Path, below: str) -> list[str]:
    """The endings of files that are read, in the folder or in folders `below` it."""
    inside = (path for path in folder.glob(f"{below}*") if path.is_file())
    able = (path for path in inside if not is_beside_data(path.name) and not _is_prose(path))
    return sorted({ending for path in able if (ending := ending_of(path.name))})


def _is_prose(path: Path) -> bool:
    """Whether a .txt holds no table of three columns: people put words about files beside them."""
    if ending_of(path.name).lower() != ".txt":
        return False
    with path.open("rb") as file:
        lines = file.read(1 << 16).splitlines()
    signs = [sign.encode() for sign in DELIMITERS]
    return bool(lines) and not any(line.count(sign) > 1 for line in lines for sign in signs)


def _left_in_folders(files: list[str]) -> list[str]:
    """Notes on folders whose own files are read, and those of folders inside them are not."""
    folders = [(name, Path(name).expanduser()) for name in files]
    return [
        f"{name}: the files in folders inside it are not read, give {name}/**/* to read them"
        for name, folder in folders
        if folder.is_dir() and _endings_in(folder, "") and _endings_in(folder, "*/**/")
    ] + [
        f"{path}: is not read, it holds no table"
        for _, folder in folders
        if folder.is_dir()
        for path in sorted(folder.glob("*"))
        if path.is_file() and _is_prose(path)
    ]


# The config


def _template(home: Home) -> str:
    path = home.config if home.config.exists() else TEMPLATE
    return path.read_text(encoding="utf-8")


def config_text(template: str, source: Source) -> str:
    """`template` with another source section; comments and all other sections stay."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    config = yaml.load(template)
    section, place = config["source"], 0
    for key, value in source.model_dump(exclude={"columns", "max_rejected_share"}).items():
        if key in section:
            section[key] = value
            place = list(section).index(key)
        elif value != Source.model_fields[key].get_default():
            place = list(section).index("columns") if key in ("keep", "drop") else place
            section.insert(place + 1, key, value)
            place += 1
        if key in FILTERS and not value:
            section.pop(key, None)
    for ours, yours in source.columns.model_dump().items():
        if yours:
            section["columns"][ours] = yours
        else:
            section["columns"].pop(ours, None)
    text = io.StringIO()
    yaml.dump(config, text)
    return text.getvalue()
