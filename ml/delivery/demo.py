"""The home of the demo: the public CDNOW log and a config for it. Owns the folder it is given.

CDNOW is the log of a music shop's customers who first bought in January to March 1997, until
June 1998: 69,659 transactions of 23,570 customers (Fader & Hardie). It ships in the lifetimes
package (MIT), which is read as a file and never imported.
"""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from ml.home.errors import CallError
from ml.home.layout import REPOSITORY

CONFIG = REPOSITORY / "config" / "demo_config.yaml"


def cdnow_transactions() -> pd.DataFrame:
    """The CDNOW log: customer_id, order_id (number within the customer), ordered_at, amount (USD).

    Raises CallError when the lifetimes package is not installed.
    """
    package = find_spec("lifetimes")
    if package is None or package.origin is None:
        raise CallError(
            "the data of the demo is missing", "`make setup` installs the lifetimes package"
        )
    log = pd.read_csv(
        Path(package.origin).parent / "datasets" / "CDNOW_master.txt",
        sep=r"\s+",
        dtype={"customer_id": "string", "date": "string"},
    )
    position = (log.groupby("customer_id").cumcount() + 1).astype("string")
    return pd.DataFrame(
        {
            "customer_id": log["customer_id"],
            "order_id": log["customer_id"] + "-" + position,
            "ordered_at": pd.to_datetime(log["date"], format="%Y%m%d"),
            "amount": log["dollar_value"],
        }
    )


def prepare_demo(home: Path) -> None:
    """Make `home` anew: config/model_config.yaml and warehouse/raw/cdnow.parquet."""
    shutil.rmtree(home, ignore_errors=True)
    (home / "config").mkdir(parents=True)
    shutil.copyfile(CONFIG, home / "config" / "model_config.yaml")
    raw = home / "warehouse" / "raw"
    raw.mkdir(parents=True)
    cdnow_transactions().to_parquet(raw / "cdnow.parquet", index=False)


if __name__ == "__main__":
    prepare_demo(Path(sys.argv[1]))
