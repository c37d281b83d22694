{{
    config(
        materialized='incremental',
        full_refresh=false,
        incremental_strategy=replace_partitions('append'),
        partition_by=['cutoff', 'model_id'],
        pre_hook="{{ delete_batch() }}",
    )
}}

-- depends_on: {{ ref('int_scoring_models') }}
with shifts as (

    select * from {{ ref('population_shift') }}

)

select
    cast(cutoff as date) as cutoff,
    model_id,
    indicator,
    feature,
    cast(value as double) as value,
    cast(reference as double) as reference,
    cast(noise as double) as noise,
from shifts
