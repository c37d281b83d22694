-- one row: all that a customer ever bought
select
    min(activity_date) filter (where order_count > 0) as first_purchase,
    max(activity_date) filter (where order_count > 0) as last_purchase,
    cast(coalesce(sum(order_count), 0) as bigint) as order_count,
    cast(coalesce(sum(net_revenue), 0) as double) as net_revenue,
    cast(coalesce(sum(returned_revenue), 0) as double) as returned_revenue,
from intermediate.int_customer_days
where customer_id = $customer_id
