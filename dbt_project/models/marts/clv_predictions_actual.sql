{{ config(pre_hook="{{ delete_remeasured() }}", tags=['monitor']) }}

with matured_windows as (

    select * from {{ ref('int_matured_windows') }}

),

predictions as (

    select * from {{ ref('clv_predictions') }}

),

rivals as (

    select * from {{ ref('int_rival_predictions') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

pending_windows as (

    select * from matured_windows
    qualify
        revision = max(revision) over (partition by cutoff, model_id)
        {% if is_incremental() %}
            and {{ is_not_in_this_yet() }}
        {% endif %}

),

label_windows as (

    select distinct
        window_start,
        window_end,
    from pending_windows

),

revenue as (

    select
        windows.window_start,
        windows.window_end,
        days.customer_id,
        sum(days.net_revenue) as actual_clv,
        sum(days.order_count) as actual_order_count,
    from customer_days as days
    inner join label_windows as windows
        on days.activity_date between windows.window_start and windows.window_end
    group by
        windows.window_start,
        windows.window_end,
        days.customer_id

)

select
    predictions.customer_id,
    predictions.cutoff,
    predictions.model_id,
    windows.revision,
    predictions.pred_months,
    predictions.window_start,
    predictions.window_end,
    predictions.predicted_clv,
    predictions.predicted_clv_low,
    predictions.predicted_clv_high,
    predictions.probability_of_purchase,
    cast(coalesce(revenue.actual_clv, 0) as {{ money_type() }}) as actual_clv,
    cast(coalesce(revenue.actual_order_count, 0) as integer) as actual_order_count,
    rivals.predicted_naive,
    rivals.predicted_pareto_nbd,
from pending_windows as windows
inner join predictions
    on
        windows.cutoff = predictions.cutoff
        and windows.model_id = predictions.model_id
left join rivals
    on
        predictions.cutoff = rivals.cutoff
        and predictions.model_id = rivals.model_id
        and predictions.customer_id = rivals.customer_id
left join revenue
    on
        predictions.window_start = revenue.window_start
        and predictions.window_end = revenue.window_end
        and predictions.customer_id = revenue.customer_id
