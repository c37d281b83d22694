{{ config(pre_hook="{{ delete_cutoff() }}") }}

with features as (

    select * from {{ ref('int_customer_features') }}

)

select
    customer_id,
    cutoff,
    history_months,
    recency_days,
    tenure_days,
    order_count,
    purchase_day_count,
    cast(gross_revenue as decimal(18, 4)) as gross_revenue,
    cast(returned_revenue as decimal(18, 4)) as returned_revenue,
    cast(net_revenue as decimal(18, 4)) as net_revenue,
    mean_order_value,
from features
