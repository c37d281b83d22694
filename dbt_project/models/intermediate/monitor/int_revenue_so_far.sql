{{
    config(
        materialized='incremental',
        full_refresh=false,
        incremental_strategy=replace_partitions('append'),
        partition_by=['cutoff', 'model_id'],
        pre_hook="{{ delete_open_windows() }}",
    )
}}

with open_windows as (

    select * from {{ ref('batch_windows') }}
    where
        not has_matured
        and window_start <= newest_date

),

predictions as (

    select * from {{ ref('clv_predictions') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

season_indices as (

    select * from {{ ref('season_indices') }}

),

window_days as (

    select
        cutoff,
        model_id,
        newest_date,
        unnest(
            generate_series(window_start, window_end, interval 1 day)
        ) as window_date,
    from open_windows

),

-- DECIMAL, because a sum of DOUBLE depends on the order of its rows
elapsed as (

    select
        days.cutoff,
        days.model_id,
        cast(
            sum(cast(season_index as decimal(18, 9))) filter (
                where window_date <= newest_date
            ) as double
        ) / cast(sum(cast(season_index as decimal(18, 9))) as double) as elapsed_share,
    from window_days as days
    inner join season_indices
        on
            days.model_id = season_indices.model_id
            and extract(month from days.window_date) = season_indices.month_of_year
    group by
        days.cutoff,
        days.model_id

),

open_customers as (

    select
        predictions.customer_id,
        predictions.cutoff,
        predictions.model_id,
    from predictions
    inner join open_windows
        on
            predictions.cutoff = open_windows.cutoff
            and predictions.model_id = open_windows.model_id

),

open_days as (

    select
        customer_id,
        activity_date,
        net_revenue,
    from customer_days
    -- lone days after the newest day are left aside
    where
        activity_date >= (select min(window_start) from open_windows)
        and activity_date <= (select max(newest_date) from open_windows)

),

revenue as (

    select
        customers.cutoff,
        customers.model_id,
        sum(days.net_revenue) as actual_so_far,
    from open_customers as customers
    inner join open_days as days
        on
            customers.customer_id = days.customer_id
            and customers.cutoff < days.activity_date
    group by
        customers.cutoff,
        customers.model_id

)

select
    windows.cutoff,
    windows.model_id,
    windows.newest_date as as_of_date,
    elapsed.elapsed_share,
    cast(coalesce(revenue.actual_so_far, 0) as {{ money_type() }}) as actual_so_far,
    windows.predicted_total * elapsed.elapsed_share as expected_so_far,
    {{
        usual_log_distance(
            'windows.predicted_total_low',
            'windows.predicted_total_high',
            'elapsed.elapsed_share',
        )
    }} as usual_log_distance,
from open_windows as windows
inner join elapsed
    on
        windows.cutoff = elapsed.cutoff
        and windows.model_id = elapsed.model_id
left join revenue
    on
        windows.cutoff = revenue.cutoff
        and windows.model_id = revenue.model_id
