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
with scores as (

    select * from {{ ref('clv_scores') }}

)

select
    customer_id,
    cutoff,
    model_id,
    predicted_naive,
    predicted_pareto_nbd,
from scores
