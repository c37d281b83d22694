{{ config(pre_hook="{{ delete_batch() }}") }}

with scores as (

    select * from {{ ref('clv_scores') }}

),

models as (

    select * from {{ ref('int_scoring_models') }}

)

select
    scores.customer_id,
    models.cutoff,
    models.model_id,
    scores.predicted_clv,
    scores.predicted_clv_low,
    scores.predicted_clv_high,
    scores.probability_of_purchase,
    models.history_months,
    models.pred_months,
    models.window_start,
    models.window_end,
from scores
inner join models
    on
        scores.cutoff = models.cutoff
        and scores.model_id = models.model_id
