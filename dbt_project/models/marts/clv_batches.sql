{{ config(pre_hook="{{ delete_batch() }}") }}

with totals as (

    select * from {{ ref('clv_totals') }}

),

models as (

    select * from {{ ref('int_scoring_models') }}

)

select
    models.cutoff,
    models.model_id,
    models.role,
    models.history_months,
    models.pred_months,
    models.window_start,
    models.window_end,
    cast(totals.customers as bigint) as customers,
    cast(totals.predicted_total as double) as predicted_total,
    cast(totals.predicted_total_low as double) as predicted_total_low,
    cast(totals.predicted_total_high as double) as predicted_total_high,
from totals
inner join models
    on
        totals.cutoff = models.cutoff
        and totals.model_id = models.model_id
