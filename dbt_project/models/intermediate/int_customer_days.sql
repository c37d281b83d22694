{{
    config(
        materialized='incremental' if target.type == 'duckdb' else 'table',
        incremental_strategy='delete+insert',
        unique_key='activity_date',
        tags=['load'],
    )
}}

with transactions as (

    select * from {{ ref('stg_transactions') }}

),

{% if is_incremental() %}
    -- days of the files taken in since the last build
    changed_days as (

        select
            min(first_day) as first_day,
            max(last_day) as last_day,
        from {{ source('raw', 'files') }}
        where load_id > (select coalesce(max(load_id), 0) from {{ this }})

    ),

{% endif %}
-- products first: sums spill to disk, lists of products would not, and are not faster
order_products as (

    select
        customer_id,
        order_date,
        order_id,
        product_id,
        sum(amount) as net_amount,
        count(*) as line_count,
    from transactions
    {% if is_incremental() %}
        where
            order_date >= (select first_day from changed_days)
            and order_date <= (select last_day from changed_days)
    {% endif %}
    group by
        customer_id,
        order_date,
        order_id,
        product_id

),

orders as (

    select
        customer_id,
        order_date,
        order_id,
        sum(net_amount) as net_amount,
        sum(line_count) as line_count,
        count(product_id) as product_count,
    from order_products
    group by
        customer_id,
        order_date,
        order_id

)

select
    customer_id,
    order_date as activity_date,
    cast(count(*) filter (where net_amount > 0) as integer) as order_count,
    cast(
        coalesce(sum(line_count) filter (where net_amount > 0), 0) as integer
    ) as line_count,
    cast(
        coalesce(sum(product_count) filter (where net_amount > 0), 0) as integer
    ) as product_count,
    cast(
        coalesce(sum(net_amount) filter (where net_amount > 0), 0) as decimal(18, 4)
    ) as gross_revenue,
    cast(
        coalesce(max(net_amount) filter (where net_amount > 0), 0) as decimal(18, 4)
    ) as max_order_value,
    cast(count(*) filter (where net_amount < 0) as integer) as return_count,
    cast(
        coalesce(-sum(net_amount) filter (where net_amount < 0), 0) as decimal(18, 4)
    ) as returned_revenue,
    cast(sum(net_amount) as decimal(18, 4)) as net_revenue,
    (select max(load_id) from {{ source('raw', 'files') }}) as load_id,
from orders
group by
    customer_id,
    order_date
