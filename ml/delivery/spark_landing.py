"""The delivered lines for Spark, as parquet files. Owns warehouse/spark/landing of a home.

`raw` is read by `orchestrate.py load`; Spark makes its own tables over these copies.
"""

import os
import sys
from pathlib import Path

from ml.home.errors import DataNotReadyError
from ml.home.files import place_atomically
from ml.home.layout import Home
from ml.warehouse.side_copy import open_warehouse

TABLES = ("files", "transactions", "training_requests")


def landing_folder(home: Home) -> Path:
    return home.warehouse / "spark" / "landing"


def land(home: Home) -> Path:
    """Write the tables of schema raw below warehouse/spark/landing and return that folder.

    Raises DataNotReadyError before the first load.
    """
    folder = landing_folder(home)
    with open_warehouse(home) as con:
        if not home.database.exists():
            raise DataNotReadyError(
                f"{home.relative(home.database)}: nothing is loaded yet",
                "run `python orchestrate.py load`",
            )
        for table in TABLES:
            rows = con.table(f"raw.{table}")
            place_atomically(
                folder / table / "rows.parquet",
                lambda part, rows=rows: rows.write_parquet(str(part), compression="zstd"),
            )
    return folder


if __name__ == "__main__":
    os.umask(0o077)  # as all that the engine writes
    print(land(Home.resolve(sys.argv[1] if len(sys.argv) > 1 else None)))
