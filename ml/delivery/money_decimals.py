"""How many decimals the money of delivered files needs, by what four of them would lose."""

from pathlib import Path

import duckdb

from ml.delivery.encodings import EmptyFileError
from ml.delivery.line_values import NOISE, exact_amounts
from ml.delivery.opened_file import UNREADABLE, OpenFile, read_file
from ml.delivery.readable_files import readable
from ml.delivery.source_files import SourceFile
from ml.home.config import MOST_DECIMALS, USUAL_DECIMALS, Source

# four decimals are enough if rounding moves an amount by less than the first share of it: a price
# such as 10/3 never ends. Where they are not, the second share holds for what is taken
VISIBLE_SHARE, LOST_SHARE = 1e-3, 1e-5
# and a file if no more than this share of its amounts is not: one small coin is no log of coins
LEAST_CELLS = 0.001


def guess_money_decimals(files: list[SourceFile], source: Source, scratch: Path) -> int:
    """The fewest decimals, from USUAL_DECIMALS up, that keep the amounts of all files.

    Never so many that the largest amount does not fit into DECIMAL(18) any more. Files that cannot
    be read need no more than usual: `load` says why.
    """
    return max((_needed(file, source, scratch) for file in files), default=USUAL_DECIMALS)


def _needed(file: SourceFile, source: Source, scratch: Path) -> int:
    try:
        with readable(file, source.encoding, scratch) as text, duckdb.connect() as con:
            return read_file(con, source, text, lambda opened: _decimals_of(con, opened, source))
    except (*UNREADABLE, EmptyFileError):  # the preview says what is wrong with the file
        return USUAL_DECIMALS


def _decimals_of(con: duckdb.DuckDBPyConnection, file: OpenFile, source: Source) -> int:
    if not source.names_read <= set(file.types):  # the preview names the column
        return USUAL_DECIMALS
    tried = range(USUAL_DECIMALS, MOST_DECIMALS + 1)
    lost = ", ".join(
        f"count(*) filter (abs(round(amount, {decimals}) - amount) > {share} * abs(amount))"
        for decimals, share in zip(tried, [VISIBLE_SHARE, *[LOST_SHARE] * len(tried)], strict=False)
    )
    count, largest, *losses = con.execute(
        f"select count(*), max(abs(amount)), {lost}"
        f" from ({exact_amounts(file, source)})"
        f" where abs(amount) > {NOISE} and isfinite(amount)",
        [file.parameter],
    ).fetchone() or (0, 0)
    if not count:
        return USUAL_DECIMALS
    enough = (
        decimals
        for decimals, lines in zip(tried, losses, strict=True)
        if lines <= LEAST_CELLS * count or largest >= 10 ** (17 - decimals)
    )
    return next(enough, MOST_DECIMALS)
