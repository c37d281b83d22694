{{ config(materialized='view', tags=['train']) }}

with features as (

    select * from {{ ref('int_training_features') }}

),

actuals as (

    select * from {{ ref('int_training_actuals') }}

),

windows as (

    select * from {{ ref('int_training_windows') }}

)

select
    features.*,
    windows.months_back,
    windows.observed_months,
    -- a label that was not complete on the training cutoff is not known to the training
    case
        when windows.window_end <= {{ cutoff_date() }}
            then cast(actuals.actual_clv as double)
    end as actual_clv,
    case
        when windows.window_end <= {{ cutoff_date() }} then actuals.actual_order_count
    end as actual_order_count,
from features
inner join windows
    on features.cutoff = windows.cutoff
inner join actuals
    on
        features.cutoff = actuals.cutoff
        and features.customer_id = actuals.customer_id
