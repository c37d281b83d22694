{{ config(tags=['load']) }}

with delivered_lines as (

    {{ delivered_lines() }}

)

select
    file_id,
    file_row,
    customer_id,
    -- without an order id, what a customer buys at one moment is one order
    coalesce(order_id, cast(ordered_at as varchar)) as order_id,
    ordered_at,
    cast(ordered_at as date) as order_date,
    product_id,
    quantity,
    unit_price,
    amount,
from delivered_lines
where {{ rejection_reason() }} is null
