{{ config(tags=['load']) }}

select
    transactions.file_id,
    transactions.file_row,
    transactions.customer_id,
    -- without an order id, everything a customer buys at one moment is one order
    coalesce(
        transactions.order_id, cast(transactions.ordered_at as varchar)
    ) as order_id,
    transactions.ordered_at,
    cast(transactions.ordered_at as date) as order_date,
    transactions.product_id,
    transactions.quantity,
    transactions.unit_price,
    transactions.amount,
from {{ source('raw', 'transactions') }} as transactions
anti join {{ ref('stg_repeated_deliveries') }} as repeated
    on
        transactions.file_id = repeated.file_id
        and transactions.file_row = repeated.file_row
anti join {{ ref('stg_rejected_transactions') }} as rejected
    on
        transactions.file_id = rejected.file_id
        and transactions.file_row = rejected.file_row
