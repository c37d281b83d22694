{{ config(tags=['train']) }}

with customer_days as (

    select * from {{ ref('int_customer_days') }}
    where activity_date <= {{ cutoff_date() }}

)

select
    cast(date_trunc('month', activity_date) as date) as month,
    count(distinct activity_date) as day_count,
    count(distinct customer_id) filter (where order_count > 0) as customer_count,
    cast(sum(order_count) as integer) as order_count,
    cast(sum(net_revenue) as decimal(18, 4)) as net_revenue,
from customer_days
group by month
