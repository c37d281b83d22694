"""What SQL reads of the config and of the ledger, as frames for dbt's Python models."""

import pandas as pd

from ml.home.config import load_config
from ml.home.errors import kept_for_the_caller
from ml.home.layout import Home
from ml.home.number_text import currency_mark
from ml.ledger.manifest import FIELDS, champion, read_manifest


@kept_for_the_caller
def config_frame() -> pd.DataFrame:
    """What SQL reads of the config: one row; value_tiers are growing per cents as text."""
    config = load_config(Home.resolve())
    return pd.DataFrame(
        {
            "history_months": [config.training.history_months],
            "pred_months": [config.training.pred_months],
            "max_examples": [config.training.max_examples],
            "drift_threshold_rmse": [config.monitoring.drift_threshold_rmse],
            "drift_threshold_r2": [config.monitoring.drift_threshold_r2],
            "value_tiers": [[f"{share:.4f}" for share in config.segments.value_tiers]],
        }
    )


@kept_for_the_caller
def currency_frame() -> pd.DataFrame:
    """One row: what stands before an amount of money in words, such as `$`."""
    currency = load_config(Home.resolve()).source.currency
    return pd.DataFrame({"currency": [currency], "currency_mark": [currency_mark(currency)]})


@kept_for_the_caller
def manifest_frame() -> pd.DataFrame:
    """The ledger for SQL: `ledger_row` (1 = oldest) and the text of every field, NULL if empty.

    Raises EngineError before the first training.
    """
    home = Home.resolve()
    champion(home)
    rows = [row.fields for row in read_manifest(home)]
    frame = pd.DataFrame(rows, columns=list(FIELDS), dtype="string").replace("", pd.NA)
    frame.insert(0, "ledger_row", range(1, len(rows) + 1))
    return frame
