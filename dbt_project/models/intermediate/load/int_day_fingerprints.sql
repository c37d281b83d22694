{{
    config(
        materialized='incremental' if target.type == 'duckdb' else 'table',
        incremental_strategy='delete+insert',
        unique_key='activity_date',
    )
}}

with customer_days as (

    select * from {{ ref('int_customer_days') }}
    {% if is_incremental() %}
        where load_id > (select coalesce(max(load_id), 0) from {{ this }})
    {% endif %}

)

-- a sum, because it does not depend on the order of the rows
select
    activity_date,
    count(*) as row_count,
    cast(
        sum(
            cast(
                md5_number_lower(
                    concat_ws(
                        '|',
                        customer_id,
                        order_count,
                        line_count,
                        product_count,
                        gross_revenue,
                        max_order_value,
                        return_count,
                        returned_revenue
                    )
                ) as hugeint
            )
        ) as varchar
    ) as row_hash_sum,
    max(load_id) as load_id,
from customer_days
group by activity_date
