with customer_days as (

    select * from {{ ref('int_customer_days') }}

),

training_cutoffs as (

    select distinct training_cutoff
    from {{ ref('int_training_requests') }}

)

select
    cutoffs.training_cutoff,
    cast(date_trunc('month', days.activity_date) as date) as month,
    count(distinct days.activity_date) as day_count,
    count(distinct days.customer_id) filter (where days.order_count > 0)
        as customer_count,
    cast(sum(days.order_count) as integer) as order_count,
    cast(sum(days.net_revenue) as {{ money_type() }}) as net_revenue,
from customer_days as days
inner join training_cutoffs as cutoffs
    on days.activity_date <= cutoffs.training_cutoff
group by
    cutoffs.training_cutoff,
    date_trunc('month', days.activity_date)
