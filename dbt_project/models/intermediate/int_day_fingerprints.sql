{{ config(tags=['train']) }}

with customer_days as (

    select * from {{ ref('int_customer_days') }}
    where activity_date <= {{ cutoff_date() }}

)

-- a sum does not care for the order of its rows
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
from customer_days
group by activity_date
