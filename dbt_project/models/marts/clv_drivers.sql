{{ config(pre_hook="{{ delete_batch() }}") }}

with scores as (

    select * from {{ ref('clv_scores') }}

),

drivers as (

    select
        customer_id,
        cutoff,
        model_id,
        unnest(drivers, recursive := true),
    from scores

),

models as (

    select * from {{ ref('int_scoring_models') }}

)

select
    drivers.customer_id,
    models.cutoff,
    models.model_id,
    drivers.driver_rank,
    drivers.driver_name,
    drivers.value as driver_value,
    drivers.factor as driver_factor,
    drivers.text as driver_text,
    models.pred_months,
from drivers
inner join models
    on
        drivers.cutoff = models.cutoff
        and drivers.model_id = models.model_id
