-- one row: delivered lines, accepted ones, their customers, first and last day, money
select
    (select count(*) from raw.transactions) as row_count,
    count(*) as usable,
    count(distinct customer_id) as customers,
    min(order_date) as first_day,
    max(order_date) as last_day,
    cast(sum(amount) as double) as net_revenue,
from accepted
