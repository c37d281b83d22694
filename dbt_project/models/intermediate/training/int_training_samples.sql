with training_windows as (

    select * from {{ ref('int_training_windows') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

model_config as (

    select * from {{ ref('stg_model_config') }}

),

observation_windows as (

    select * from {{ distinct_windows(ref('int_training_windows')) }}

),

history_windows as (

    select distinct
        cutoff,
        history_months,
        history_start,
        window_start,
    from observation_windows

),

window_customers as (

    select
        windows.cutoff,
        windows.history_months,
        count(distinct days.customer_id) as customers,
    from customer_days as days
    inner join history_windows as windows
        on
            days.activity_date >= windows.history_start
            and days.activity_date < windows.window_start
    where days.order_count > 0
    group by
        windows.cutoff,
        windows.history_months

),

-- a training reads its own cutoff (the present) without labels, the others with them
training_parts as (

    select
        windows.training_cutoff,
        windows.history_months,
        windows.pred_months,
        windows.months_back = 0 as is_present,
        sum(customers.customers) as examples,
    from training_windows as windows
    inner join window_customers as customers
        on
            windows.cutoff = customers.cutoff
            and windows.history_months = customers.history_months
    group by
        windows.training_cutoff,
        windows.history_months,
        windows.pred_months,
        is_present

),

-- two trainings that share a window both read the larger of their samples
window_shares as (

    select
        windows.cutoff,
        windows.history_months,
        max(least(1, model_config.max_examples / parts.examples)) as customer_share,
    from training_windows as windows
    inner join training_parts as parts
        on
            windows.training_cutoff = parts.training_cutoff
            and windows.history_months = parts.history_months
            and windows.pred_months = parts.pred_months
            and parts.is_present = (windows.months_back = 0)
    cross join model_config
    group by
        windows.cutoff,
        windows.history_months

)

select
    windows.*,
    shares.customer_share,
from observation_windows as windows
inner join window_shares as shares
    on
        windows.cutoff = shares.cutoff
        and windows.history_months = shares.history_months
