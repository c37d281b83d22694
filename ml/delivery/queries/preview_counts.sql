-- one row: delivered lines, accepted ones, their customers, first day, how far the data
-- reaches, money
select
    (select count(*) from raw.transactions) as row_count,
    count(*) as usable,
    count(distinct customer_id) as customers,
    min(order_date) as first_day,
    (select newest_date from data_reach) as last_day,
    cast(sum(amount) as double) as net_revenue,
from accepted
