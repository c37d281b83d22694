"""Scores and clusters of one batch by the champion of the home. Reads the ledger, writes nothing."""

import pandas as pd

from ml.home import Home
from ml.registry import load_champion

KEY = ["cutoff", "customer_id"]


def score_customers(features: pd.DataFrame) -> pd.DataFrame:
    """Predictions per customer, in row order.

    Columns: cutoff, customer_id, predicted_clv, predicted_clv_low, predicted_clv_high (80 %
    interval, currency of the log), probability_of_purchase (0-1).
    """
    predictions = load_champion(Home.resolve()).champion.predict(features)
    return pd.concat([features[KEY], predictions], axis=1)


def assign_clusters(features: pd.DataFrame) -> pd.DataFrame:
    """Cluster per customer: cutoff, customer_id, cluster_id, cluster_name."""
    assigned = load_champion(Home.resolve()).clusters.assign(features)
    return pd.concat([features[KEY], assigned], axis=1)


def predict_total(features: pd.DataFrame) -> pd.DataFrame:
    """Revenue expected of all customers together: one row, with an 80 % interval."""
    return load_champion(Home.resolve()).champion.predict_total(features)
