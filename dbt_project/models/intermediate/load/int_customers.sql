with customer_days as (

    select
        customer_id,
        -- a case takes two thirds of the time of four filters
        case when order_count > 0 then activity_date end as order_date,
        order_count,
        net_revenue,
    from {{ ref('int_customer_days') }}

)

select
    customer_id,
    min(order_date) as first_order_date,
    max(order_date) as last_order_date,
    cast(sum(order_count) as integer) as order_count,
    cast(count(order_date) as integer) as purchase_day_count,
    cast(sum(net_revenue) as {{ money_type() }}) as net_revenue,
from customer_days
group by customer_id
