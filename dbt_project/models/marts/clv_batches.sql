{{ config(pre_hook="{{ delete_batch() }}") }}

with predictions as (

    select * from {{ ref('clv_predictions') }}
    where {{ in_batch() }}

),

totals as (

    select * from {{ ref('clv_totals') }}

)

select
    predictions.cutoff,
    predictions.model_id,
    predictions.history_months,
    predictions.pred_months,
    predictions.window_start,
    predictions.window_end,
    count(*) as customers,
    max(totals.predicted_total) as predicted_total,
    max(totals.predicted_total_low) as predicted_total_low,
    max(totals.predicted_total_high) as predicted_total_high,
from predictions
cross join totals
group by
    predictions.cutoff,
    predictions.model_id,
    predictions.history_months,
    predictions.pred_months,
    predictions.window_start,
    predictions.window_end
