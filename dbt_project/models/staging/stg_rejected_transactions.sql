{{ config(materialized='table', tags=['load', 'doubts']) }}

with files as (

    select
        file_id,
        file_name,
        loaded_on,
        currency as file_currency,
    from {{ source('raw', 'files') }}

),

judged_lines as (

    select
        transactions.file_id,
        files.file_name,
        transactions.file_row,
        {{ rejection_reason() }} as reason,
        transactions.unreadable,
        transactions.customer_id,
        transactions.order_id,
        transactions.ordered_at,
        transactions.amount,
        transactions.delivered,
        {{ estimated_amount() }} as estimated_amount,
    from {{ source('raw', 'transactions') }} as transactions
    inner join files
        on transactions.file_id = files.file_id
    anti join {{ ref('stg_repeated_deliveries') }} as repeated
        on
            transactions.file_id = repeated.file_id
            and transactions.file_row = repeated.file_row

)

select * from judged_lines
where reason is not null
