"""Write a large synthetic transaction log, seeded: orders of customers who buy till they leave.

About 30 lines a customer over three years, one to five lines an order, 3 % returns. For speed and
memory only: it says nothing about accuracy.
"""

from datetime import date
from pathlib import Path

import duckdb

FIRST_DAY = date(2009, 1, 1)
DAYS = 1080
SEED = 0.42


def generate_log(customers: int, path: Path) -> int:
    """Write the log of `customers` to `path` (parquet, in order of time); returns its lines."""
    con = duckdb.connect()
    con.execute("set threads = 2; set preserve_insertion_order = true")
    con.execute("select setseed(?)", [SEED])
    con.execute(
        f"""
        copy (
            with customers as (
                select
                    number,
                    floor(random() * {DAYS - 180})::int as first_day,
                    0.05 - 0.9 * ln(1 - random()) as orders_a_month,
                    -14 * ln(1 - random()) as lifetime_months,
                    exp(3 + 0.7 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) as spend
                from range({customers}) as numbers (number)
            ),
            orders as (
                select
                    number, spend, position,
                    first_day
                    + floor(position * 30 / orders_a_month * (0.5 + random()))::int as day
                from customers, lateral (
                    select unnest(range(0, 1 + floor(
                        least(lifetime_months, ({DAYS} - first_day) / 30.0) * orders_a_month
                    )::int)) as position
                )
            ),
            lines as (
                select
                    number, spend, day, position,
                    unnest(range(0, 1 + floor(random() * 5)::int)) as line
                from orders
                where day < {DAYS}
            )
            select
                'C' || lpad(number::varchar, 9, '0') as customer_id,
                number || '-' || position as order_id,
                timestamp '{FIRST_DAY}'
                + to_minutes(day * 1440 + floor(random() * 1440)::int) as order_ts,
                'P' || floor(random() * random() * 4000)::int as product_id,
                (1 + floor(random() * 5)::int)
                * (case when random() < 0.03 then -1 else 1 end) as quantity,
                round(spend / 5 * (0.5 + random()), 2) as unit_price
            from lines
            order by order_ts, customer_id, position, line
        ) to '{path}' (format parquet, compression zstd)
        """
    )
    (lines,) = con.execute(f"select count(*) from '{path}'").fetchone() or (0,)
    return int(lines)


def split_log(path: Path, first: Path, second: Path, cutoff: date, days: int) -> None:
    """The lines up to `cutoff`, and those of the `days` after it, as two deliveries."""
    con = duckdb.connect()
    con.execute("set threads = 2")
    day = f"order_ts::date - date '{cutoff}'"
    for target, chosen in ((first, f"{day} <= 0"), (second, f"{day} between 1 and {days}")):
        con.execute(
            f"copy (select * from '{path}' where {chosen} order by order_ts)"
            f" to '{target}' (format parquet, compression zstd)"
        )
