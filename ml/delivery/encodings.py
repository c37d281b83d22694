"""Delivered text as DuckDB reads it: its encoding, and a copy in UTF-8 where it is another one."""

import codecs
import csv
import gzip
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ml.delivery.file_kinds import PARQUET, is_packed, kind_of
from ml.delivery.text_layout import HEAD_LINES, lines_before_header

CHUNK_BYTES, CHECKED_BYTES = 1 << 22, 1 << 24
HEAD_BYTES, LONG_HEAD_BYTES = 1 << 15, 1 << 20
# how files begin that are no text
OTHER_KINDS = {
    b"\x1f\x8b": "a gz archive",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"PAR1": "a parquet file",
    b"\xd0\xcf\x11\xe0": "a workbook of an old kind",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
}
# what is tried when a text is not UTF-8; every text is latin-1
OTHERS = ("cp1252", "latin-1")


class EmptyFileError(EOFError):
    """A file of no bytes, or of blank lines."""


@dataclass(frozen=True)
class TextLayout:
    """How a text differs from what DuckDB reads: encoding, lines before the header, line ends.

    has_odd_ends: its lines end with a carriage return alone, as on an old Mac, or in several ways.
    """

    encoding: str
    lines_before: int = 0
    has_odd_ends: bool = False

    @property
    def is_plain(self) -> bool:
        is_utf8 = codecs.lookup(self.encoding).name == "utf-8"
        return is_utf8 and not self.lines_before and not self.has_odd_ends


def guess_encoding(path: Path) -> str:
    """The encoding of a CSV: by its byte order mark, else the first that reads all of it."""
    with open_bytes(path) as file:
        if _is_marked_utf16(file.read(2)):
            return "utf-16"
    return next(name for name in ("utf-8", *OTHERS) if _reads(path, name))


def text_layout(path: Path, encoding: str, names: Collection[str] = ()) -> TextLayout:
    """The layout of a text, by its start. A mark of UTF-16 counts more than `encoding`.

    names: columns that the header is known to have. Raises EmptyFileError when there is no text,
    csv.Error when it is a file of another kind.
    """
    with open_bytes(path) as file:
        start = file.read(CHECKED_BYTES)
    for mark, kind in OTHER_KINDS.items():
        if start.startswith(mark):
            raise csv.Error(f"it is {kind}, which its ending does not say")
    encoding = "utf-16" if _is_marked_utf16(start) else encoding
    # long lines need a longer head
    head = start[
        : HEAD_BYTES if start.count(b"\n", 0, HEAD_BYTES) > HEAD_LINES else LONG_HEAD_BYTES
    ]
    text = _decoded_part(head, encoding).lstrip("\ufeff")
    if len(head) == len(start) and not text.strip():
        raise EmptyFileError("it is empty")
    has_odd_ends = b"\r" in start and _has_odd_ends(_decoded_part(start, encoding))
    lines = "".join(_with_line_feeds([text]) if has_odd_ends else [text]).split("\n")
    if len(head) < len(start):
        lines = lines[:-1]  # a part of a line
    before = lines_before_header([line + "\n" for line in lines], names)
    return TextLayout(encoding, before, has_odd_ends)


def _decoded_part(start: bytes, encoding: str) -> str:
    return codecs.getincrementaldecoder(encoding)("replace").decode(start)


def _has_odd_ends(text: str) -> bool:
    """Whether lines end in CR alone or in several ways, not counting those inside of quotes."""
    returns, feeds, pairs = text.count("\r"), text.count("\n"), text.count("\r\n")
    if returns == feeds == pairs:
        return False
    outside = " ".join(text.split('"')[::2]) if '"' in text else text
    outside = outside.removesuffix("\r")
    pairs = outside.count("\r\n")
    kinds = (pairs, outside.count("\r") - pairs, outside.count("\n") - pairs)
    return kinds[1] > 0 or (kinds[0] > 0 and kinds[2] > 0)


def _with_line_feeds(texts: Iterable[str]) -> Iterator[str]:
    """The parts of a text with a line feed at the end of each line; cells in quotes stay."""
    is_quoted, waits = False, ""
    for text in texts:
        whole = waits + text
        waits = "\r" if whole.endswith("\r") else ""  # its line feed may come
        parts = whole.removesuffix("\r").split('"')
        for number in range(int(is_quoted), len(parts), 2):
            parts[number] = parts[number].replace("\r\n", "\n").replace("\r", "\n")
        is_quoted ^= len(parts) % 2 == 0
        yield '"'.join(parts)
    if waits:
        yield waits if is_quoted else "\n"


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
    texts = _decoded(path, layout.encoding)
    for text in _with_line_feeds(texts) if layout.has_odd_ends else texts:
        rest = text
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
