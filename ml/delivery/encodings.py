"""Delivered text in other encodings than UTF-8: which one it is, and a UTF-8 copy to read."""

import codecs
import gzip
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

CHUNK_BYTES = 1 << 22
# what is tried when a text is not UTF-8; every text is latin-1
OTHERS = ("cp1252", "latin-1")


def guess_encoding(path: Path) -> str:
    """The encoding of a CSV: by its byte order mark, else the first that reads all of it."""
    with _open(path) as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    return next(name for name in ("utf-8", *OTHERS) if _reads(path, name))


@contextmanager
def as_utf8(path: Path, encoding: str, folder: Path) -> Iterator[Path]:
    """`path` itself if it is parquet or UTF-8, else a copy in `folder` that is removed afterwards.

    Raises UnicodeDecodeError when the text is not in `encoding`.
    """
    if path.suffix == ".parquet" or codecs.lookup(encoding).name == "utf-8":
        yield path
        return
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".csv", dir=folder)
    try:
        with os.fdopen(handle, "wb") as copy:
            for text in _decoded(path, encoding):
                copy.write(text.encode())
        yield Path(name)
    finally:
        os.unlink(name)


def _reads(path: Path, encoding: str) -> bool:
    try:
        for _ in _decoded(path, encoding):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    with _open(path) as file:
        yield from codecs.iterdecode(iter(lambda: file.read(CHUNK_BYTES), b""), encoding)


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
