{{ config(pre_hook="{{ delete_batch() }}") }}

with scores as (

    select * from {{ ref('clv_scores') }}

),

windows as (

    select * from {{ ref('int_observation_windows') }}

)

select
    scores.customer_id,
    windows.cutoff,
    windows.model_id,
    cast(scores.predicted_clv as double) as predicted_clv,
    cast(scores.predicted_clv_low as double) as predicted_clv_low,
    cast(scores.predicted_clv_high as double) as predicted_clv_high,
    cast(scores.probability_of_purchase as double) as probability_of_purchase,
    windows.history_months,
    windows.pred_months,
    windows.window_start,
    windows.window_end,
from scores
inner join windows
    on scores.cutoff = windows.cutoff
