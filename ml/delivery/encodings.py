"""Delivered text as DuckDB reads it: its encoding, and a copy in UTF-8 where it is another one."""

import codecs
import gzip
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ml.delivery.file_kinds import PARQUET, is_packed, kind_of
from ml.delivery.text_layout import lines_before_header

CHUNK_BYTES, HEAD_BYTES = 1 << 22, 1 << 15
# what is tried when a text is not UTF-8; every text is latin-1
OTHERS = ("cp1252", "latin-1")


class EmptyFileError(EOFError):
    """A file of no bytes, or of blank lines."""


@dataclass(frozen=True)
class TextLayout:
    """How a text differs from what DuckDB reads: encoding, lines before the header, line ends.

    has_cr_ends: its lines end with a carriage return alone, as on an old Mac.
    """

    encoding: str
    lines_before: int = 0
    has_cr_ends: bool = False

    @property
    def is_plain(self) -> bool:
        is_utf8 = codecs.lookup(self.encoding).name == "utf-8"
        return is_utf8 and not self.lines_before and not self.has_cr_ends


def guess_encoding(path: Path) -> str:
    """The encoding of a CSV: by its byte order mark, else the first that reads all of it."""
    with open_bytes(path) as file:
        if _is_marked_utf16(file.read(2)):
            return "utf-16"
    return next(name for name in ("utf-8", *OTHERS) if _reads(path, name))


def text_layout(path: Path, encoding: str, names: Collection[str] = ()) -> TextLayout:
    """The layout of a text, by its start. A mark of UTF-16 counts more than `encoding`.

    names: columns that the header is known to have. Raises EmptyFileError when there is no text.
    """
    with open_bytes(path) as file:
        head = file.read(HEAD_BYTES)
    encoding = "utf-16" if _is_marked_utf16(head) else encoding
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    if len(head) < HEAD_BYTES and not text.strip("\ufeff \t\r\n"):
        raise EmptyFileError("it is empty")
    has_cr_ends = "\r" in text.rstrip("\r") and "\n" not in text
    lines = (text.replace("\r", "\n") if has_cr_ends else text).lstrip("\ufeff").split("\n")
    if len(head) == HEAD_BYTES:
        lines = lines[:-1]  # a part of a line
    before = lines_before_header([line + "\n" for line in lines], names)
    return TextLayout(encoding, before, has_cr_ends)


@contextmanager
def as_utf8(
    path: Path, encoding: str, folder: Path, layout: TextLayout | None = None
) -> Iterator[Path]:
    """`path` itself if it is parquet or plain UTF-8, else a copy in `folder`, removed afterwards.

    layout: what the copy leaves out or changes besides. Raises UnicodeDecodeError when the text is
    not in `encoding`.
    """
    layout = layout or TextLayout(encoding)
    if kind_of(path.name) == PARQUET or layout.is_plain:
        yield path
        return
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".csv", dir=folder)
    try:
        with os.fdopen(handle, "wb") as copy:
            for text in _laid_out(path, layout):
                copy.write(text.encode())
        yield Path(name)
    finally:
        os.unlink(name)


def open_bytes(path: Path) -> IO[bytes]:
    """The bytes of a text, unpacked."""
    return gzip.open(path) if is_packed(path) else path.open("rb")  # type: ignore[return-value]


def _laid_out(path: Path, layout: TextLayout) -> Iterator[str]:
    """The text from its header on, with line feeds at the ends of its lines."""
    left = layout.lines_before
    for text in _decoded(path, layout.encoding):
        rest = text.replace("\r", "\n") if layout.has_cr_ends else text
        while left and rest:
            _, end, rest = rest.partition("\n")
            left -= bool(end)
        yield rest


def _is_marked_utf16(head: bytes) -> bool:
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def _reads(path: Path, name: str) -> bool:
    try:
        for _ in _decoded(path, name):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    with open_bytes(path) as file:
        yield from codecs.iterdecode(iter(lambda: file.read(CHUNK_BYTES), b""), encoding)
