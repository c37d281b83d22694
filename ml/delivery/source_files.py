"""The delivered files that the globs of `source.files` name, and what makes each the file it is."""

import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import unquote
from zipfile import BadZipFile, ZipFile, ZipInfo

from ml.delivery.file_kinds import (
    ARCHIVE,
    ENDINGS_IN_WORDS,
    FileKind,
    is_beside_data,
    kind_of,
)
from ml.home.config import Source
from ml.home.errors import CallError, DataNotReadyError
from ml.home.layout import Home

# how writers of folders key=value say that there is no value
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class SourceFile:
    """A delivered file, or a member of a delivered zip archive.

    of_path: what the folders `key=value` above it say, None for no value.
    """

    path: Path
    member: str | None
    of_path: dict[str, str | None]

    @property
    def kind(self) -> FileKind:
        kind = kind_of(self.member or self.path.name)
        assert kind is not None  # others are refused or left out before
        return kind

    def name(self, home: Home) -> str:
        """The file as users know it: relative to the home, a member behind its archive."""
        return home.relative(self.path) + (f"/{self.member}" if self.member else "")

    def sha256(self) -> str:
        """Hex digest of the bytes. Raises DataNotReadyError for a member that is broken."""
        if self.member is None:
            with self.path.open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
        with opened_member(self.path, self.member) as file:
            digest = sha256()
            while chunk := file.read(1 << 20):
                digest.update(chunk)
            return digest.hexdigest()


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
        if "\\" in str(path) and set(str(path)) & set("*?["):
            raise CallError(
                f"{home.relative(path)!r}: a name with a backslash and one of *?[ can mean several "
                f"files",
                "rename it",
            )
        if kind_of(path.name) is None:
            raise CallError(
                f"{home.relative(path)}: source.files takes {ENDINGS_IN_WORDS}",
                "change the glob, or convert the file",
            )
    return sorted(paths, key=str)


def _glob(root: Path, pattern: str) -> list[Path]:
    anchor = Path(pattern).anchor
    base = Path(anchor) if anchor else root
    tail = os.path.relpath(pattern, anchor) if anchor else pattern
    return [path for path in base.glob(tail) if path.is_file() and not is_beside_data(path.name)]


# What is in them


def files_to_read(home: Home, paths: Iterable[Path]) -> list[SourceFile]:
    """The files themselves, and of zip archives the members that can be read.

    Raises DataNotReadyError for an archive that cannot be read or holds nothing readable.
    """
    return [file for path in paths for file in _files_in(home, path)]


def _files_in(home: Home, path: Path) -> Iterator[SourceFile]:
    inside = path.relative_to(home.root) if path.is_relative_to(home.root) else path
    values = _values_of(inside.parts[:-1])
    if kind_of(path.name) != ARCHIVE:
        yield SourceFile(path, None, values)
        return
    for member in _members(home, path):
        yield SourceFile(path, member, values | _values_of(PurePosixPath(member).parts[:-1]))


def _values_of(folders: Iterable[str]) -> dict[str, str | None]:
    """What folders `key=value` say, by key."""
    pairs = (folder.partition("=") for folder in folders)
    said = {unquote(key): unquote(value) for key, equals, value in pairs if key and equals}
    return {key: None if value == NO_VALUE else value for key, value in said.items()}


def members_not_read(path: Path) -> list[str]:
    """Names of the files in a zip archive that are of no kind that is read."""
    if kind_of(path.name) != ARCHIVE:
        return []
    with ZipFile(path) as archive:
        return [info.filename for info in _files_of(archive) if not _is_readable(info.filename)]


def _members(home: Home, path: Path) -> list[str]:
    """Names of the readable files in a zip archive, in name order.

    Raises DataNotReadyError when there is none, or the archive cannot be read.
    """
    name = home.relative(path)
    try:
        with ZipFile(path) as archive:
            infos = [info for info in _files_of(archive) if _is_readable(info.filename)]
    except (BadZipFile, NotImplementedError, ValueError) as error:
        raise DataNotReadyError(
            f"{name}: cannot be read as a zip archive ({error})", "deliver the file again"
        ) from None
    locked = [info.filename for info in infos if info.flag_bits & 1]
    if locked:
        raise DataNotReadyError(
            f"{name}: {locked[0]} in it has a password", "deliver the archive without a password"
        )
    if not infos:
        raise DataNotReadyError(
            f"{name}: holds no file that is read ({ENDINGS_IN_WORDS})",
            "deliver one of these, or leave the archive out of source.files",
        )
    return sorted({info.filename for info in infos})


def _files_of(archive: ZipFile) -> list[ZipInfo]:
    return [
        info for info in archive.infolist() if not (info.is_dir() or is_beside_data(info.filename))
    ]


def _is_readable(name: str) -> bool:
    return kind_of(name) not in (None, ARCHIVE)


@contextmanager
def opened_member(path: Path, member: str) -> Iterator[IO[bytes]]:
    """The bytes of a member, unpacked. Raises DataNotReadyError when they are broken."""
    try:
        with ZipFile(path) as archive, archive.open(member) as file:
            yield file
    except (BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataNotReadyError(
            f"{path.name}/{member}: cannot be unpacked ({error})", "deliver the archive again"
        ) from None


# Which files are one


def identity(file: SourceFile, used: Iterable[str]) -> str:
    """What a file is known by: its bytes, and the values of its path that are `used` as columns."""
    content = file.sha256()
    values = {key: file.of_path[key] for key in sorted(used) if key in file.of_path}
    if not values:
        return content
    return sha256(json.dumps([content, values]).encode()).hexdigest()
