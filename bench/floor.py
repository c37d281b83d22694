"""The floor for speed: the bare work of a scoring run in one script, with nothing around it.

python floor.py LOG.parquet CUTOFF OUT_FOLDER
One DuckDB pass over the log (customer days and 30 features of nine months), 60 shallow trees fitted
on a sample, rank tiers, k-means assignment, two CSV files. No checks, ledger, tests or restart.
"""

import sys

import duckdb
import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.cluster import KMeans

SPANS = (30, 60, 90, 120, 150, 180, 210)
SAMPLE = 50_000


def main(log: str, cutoff: str, out: str) -> None:
    """Score the customers of `log` at `cutoff` and write two CSV files to `out`."""
    con = duckdb.connect()
    con.execute("set threads = 2; set preserve_insertion_order = false")
    spans = ", ".join(
        f"{measure} filter (day > date '{cutoff}' - {days}) as {name}_{days}"
        for days in SPANS
        for name, measure in (("net", "sum(net)"), ("days", "count(*)"), ("max", "max(net)"))
    )
    frame = con.execute(
        f"""
        with customer_days as (
            select
                customer_id, order_ts::date as day, sum(quantity * unit_price) as net,
                sum(greatest(quantity, 0) * unit_price) as gross, count(*) as lines
            from '{log}'
            where
                order_ts::date <= date '{cutoff}'
                and order_ts::date > date '{cutoff}' - interval 9 month
            group by all
        )
        select
            customer_id, sum(net) as net, sum(gross) as gross, count(*) as days,
            sum(lines) as lines, max(net) as max_net, stddev_pop(net) as sd_net,
            date '{cutoff}' - max(day) as recency, date '{cutoff}' - min(day) as tenure, {spans}
        from customer_days
        group by customer_id
        having sum(gross) > 0
        """
    ).fetchnumpy()
    ids = frame.pop("customer_id")
    matrix = np.column_stack(
        [np.ma.filled(column.astype("float32"), np.nan) for column in frame.values()]
    )
    sample = np.random.default_rng(0).integers(0, len(ids), SAMPLE)
    label = np.maximum(matrix[sample, 0], 0)
    settings = {"objective": "reg:tweedie", "max_depth": 3, "nthread": 2}
    booster = xgb.train(settings, xgb.DMatrix(matrix[sample], label), 60)
    behaviour = np.nan_to_num(matrix[:, :6])
    clusters = KMeans(5, n_init=1, random_state=0).fit(behaviour[sample])
    scores = pd.DataFrame(
        {
            "customer_id": ids,
            "predicted_clv": booster.inplace_predict(matrix),
            "cluster_id": clusters.predict(behaviour),
        }
    )
    con.register("scores", scores)
    con.execute(
        "create table ranked as select *, row_number() over"
        " (order by predicted_clv desc, customer_id) as clv_rank from scores"
    )
    for name, columns in (
        ("ranked", "customer_id, predicted_clv, clv_rank"),
        ("clusters", "customer_id, cluster_id"),
    ):
        con.execute(f"copy (select {columns} from ranked order by clv_rank) to '{out}/{name}.csv'")


if __name__ == "__main__":
    main(*sys.argv[1:4])
