{{ config(materialized='table', tags=['load']) }}

with delivered_lines as (

    {{ delivered_lines() }}

),

judged_lines as (

    select
        file_name,
        file_row,
        {{ rejection_reason() }} as reason,
        unreadable,
        customer_id,
        order_id,
        ordered_at,
        amount,
    from delivered_lines

)

select * from judged_lines
where reason is not null
