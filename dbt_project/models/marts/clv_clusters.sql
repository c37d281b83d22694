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
    scores.cluster_id,
    scores.cluster_name,
    models.pred_months,
from scores
inner join models
    on
        scores.cutoff = models.cutoff
        and scores.model_id = models.model_id
where scores.cluster_id is not null
