{{
    config(
        materialized='incremental',
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
    cast(predicted_naive as double) as predicted_naive,
    cast(predicted_pareto_nbd as double) as predicted_pareto_nbd,
from scores
