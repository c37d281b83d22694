"""Writing files so that a reader finds the old or the new one, never a part."""

import os
import shutil
from collections.abc import Callable
from hashlib import file_digest
from pathlib import Path

PART = ".part"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: written to a file beside it, flushed to disk, then renamed."""
    place_atomically(path, lambda part: part.write_bytes(content))


def place_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Replace `path` by what `write` puts at the temporary path it is given.

    The new file has the permissions of the old one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}{PART}")
    try:
        write(part)
        if path.exists():
            shutil.copymode(path, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush the folder's entries, so that a rename survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Hex digest of the file's bytes."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
