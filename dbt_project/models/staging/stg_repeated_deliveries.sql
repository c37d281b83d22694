{{ config(materialized='table', tags=['load']) }}

with files as (

    select * from {{ source('raw', 'files') }}
    where is_current

),

-- a line can be in two files only on a day that both cover, or when it has no day
shared_days as (

    select
        greatest(older.first_day, newer.first_day) as first_day,
        least(older.last_day, newer.last_day) as last_day,
        unnest([older.file_id, newer.file_id]) as file_id,
    from files as older
    inner join files as newer
        on
            older.file_id < newer.file_id
            and older.first_day <= newer.last_day
            and newer.first_day <= older.last_day

),

shared_lines as (

    select * from {{ source('raw', 'transactions') }}
    where ordered_at is null

    union all

    select distinct transactions.*
    from {{ source('raw', 'transactions') }} as transactions
    inner join shared_days
        on
            transactions.file_id = shared_days.file_id
            and {{ falls_on(
                'transactions.ordered_at', 'shared_days.first_day', 'shared_days.last_day'
            ) }}

),

-- the second of two equal lines in one file belongs to the second in another file
numbered_lines as (

    select
        *,
        row_number() over (
            partition by
                file_id,
                customer_id,
                order_id,
                ordered_at,
                product_id,
                quantity,
                unit_price,
                amount,
                currency,
                parent_order_id,
                unreadable
            order by file_row
        ) as occurrence,
    from shared_lines

)

select
    file_id,
    file_row,
from numbered_lines
qualify
    row_number() over (
        partition by
            customer_id,
            order_id,
            ordered_at,
            product_id,
            quantity,
            unit_price,
            amount,
            currency,
            parent_order_id,
            unreadable,
            occurrence
        order by file_id
    ) > 1
