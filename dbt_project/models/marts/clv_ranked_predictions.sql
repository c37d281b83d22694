{{ config(pre_hook="{{ delete_batch() }}") }}

with predictions as (

    select * from {{ ref('clv_predictions') }}
    where {{ in_champion_batch() }}

),

model_config as (

    select * from {{ ref('stg_model_config') }}

),

ranked as (

    select
        *,
        row_number() over (order by predicted_clv desc, customer_id) as clv_rank,
    from predictions

),

tiers as (

    {{ value_tier_ranks('(select count(*) from predictions)', 'model_config') }}

)

select
    ranked.customer_id,
    ranked.cutoff,
    ranked.model_id,
    ranked.predicted_clv,
    ranked.predicted_clv_low,
    ranked.predicted_clv_high,
    ranked.probability_of_purchase,
    ranked.pred_months,
    ranked.window_start,
    ranked.window_end,
    cast(ranked.clv_rank as bigint) as clv_rank,
    100.0 * (count(*) over () - ranked.clv_rank + 1) / count(*) over ()
        as clv_percentile,
    tiers.value_tier,
    tiers.value_tier_rank,
from ranked
inner join tiers
    on ranked.clv_rank between tiers.first_rank and tiers.last_rank
