"""What a user would pick instead: lifetimes' summary, BG/NBD and Gamma-Gamma in pandas.

python lifetimes_peer.py LOG.parquet CUTOFF OUT_FOLDER
"""

import sys

import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter
from lifetimes.utils import summary_data_from_transaction_data


def main(log: str, cutoff: str, out: str) -> None:
    """Score the customers of `log` at `cutoff` and write one CSV file to `out`."""
    columns = ["customer_id", "order_ts", "quantity", "unit_price"]
    lines = pd.read_parquet(log, columns=columns)
    lines = lines[lines["order_ts"] < pd.Timestamp(cutoff) + pd.Timedelta(days=1)]
    lines["amount"] = lines["quantity"] * lines["unit_price"]
    rfm = summary_data_from_transaction_data(
        lines, "customer_id", "order_ts", "amount", observation_period_end=cutoff
    )
    purchases = BetaGeoFitter(penalizer_coef=0.001).fit(rfm["frequency"], rfm["recency"], rfm["T"])
    repeat = rfm[(rfm["frequency"] > 0) & (rfm["monetary_value"] > 0)]
    value = GammaGammaFitter(penalizer_coef=0.001).fit(
        repeat["frequency"], repeat["monetary_value"]
    )
    expected = purchases.conditional_expected_number_of_purchases_up_to_time(
        182, rfm["frequency"], rfm["recency"], rfm["T"]
    )
    profit = value.conditional_expected_average_profit(
        rfm["frequency"], rfm["monetary_value"].clip(lower=0)
    )
    rfm["predicted_clv"] = expected * profit
    rfm.sort_values("predicted_clv", ascending=False).to_csv(f"{out}/lifetimes.csv")


if __name__ == "__main__":
    main(*sys.argv[1:4])
