{{ config(pre_hook="{{ delete_batch() }}") }}

with scores as (

    select * from {{ ref('clv_scores') }}

),

scored_drivers as (

    select
        customer_id,
        cutoff,
        model_id,
        unnest(drivers) as driver,
    from scores

),

drivers as (

    select
        scored_drivers.customer_id,
        scored_drivers.cutoff,
        scored_drivers.model_id,
        scored_drivers.driver.driver_rank,
        scored_drivers.driver.driver_name,
        scored_drivers.driver.value as driver_value,
        scored_drivers.driver.factor as driver_factor,
        scored_drivers.driver.words,
    from scored_drivers

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
    drivers.driver_value,
    drivers.driver_factor,
    drivers.words
    || ': '
    || coalesce(format('{:,.2f}', drivers.driver_value), 'none')
    || ' (x '
    || format('{:.2f}', drivers.driver_factor)
    || ')' as driver_text,
    models.pred_months,
from drivers
inner join models
    on
        drivers.cutoff = models.cutoff
        and drivers.model_id = models.model_id
