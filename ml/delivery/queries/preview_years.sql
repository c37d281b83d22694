-- totals of each calendar year, oldest first
select
    cast(year(activity_date) as integer) as year,
    cast(sum(order_count) as bigint) as orders,
    count(distinct customer_id) as customers,
    cast(sum(net_revenue) as double) as net_revenue,
    cast(sum(returned_revenue) as double) as returned,
from preview_days
group by all
order by year
