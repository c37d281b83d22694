{{ config(pre_hook="{{ delete_batch() }}") }}

with drivers as (

    select * from {{ ref('customer_drivers') }}

),

models as (

    select * from {{ ref('int_scoring_models') }}

)

select
    drivers.customer_id,
    models.cutoff,
    models.model_id,
    cast(drivers.driver_rank as integer) as driver_rank,
    drivers.driver_name,
    cast(drivers.value as double) as driver_value,
    cast(drivers.factor as double) as driver_factor,
    drivers.text as driver_text,
    models.pred_months,
from drivers
inner join models
    on
        drivers.cutoff = models.cutoff
        and drivers.model_id = models.model_id
