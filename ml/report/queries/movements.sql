-- customers by their tier in the batch before and now; NULL: not in that batch
with tiers_before as (

    select
        customer_id,
        value_tier,
        predicted_clv,
    from marts.clv_ranked_predictions
    where
        cutoff = $cutoff_before
        and model_id = $model_id_before

),

tiers_now as (

    select
        customer_id,
        value_tier,
        predicted_clv,
    from marts.clv_ranked_predictions
    where
        cutoff = $cutoff
        and model_id = $model_id

)

select
    tiers_before.value_tier as tier_before,
    tiers_now.value_tier as tier_now,
    count(*) as customers,
    cast(
        coalesce(sum(cast(tiers_before.predicted_clv as decimal(38, 10))), 0) as double
    ) as revenue_before,
    cast(
        coalesce(sum(cast(tiers_now.predicted_clv as decimal(38, 10))), 0) as double
    ) as revenue_now,
from tiers_before
full outer join tiers_now
    on tiers_before.customer_id = tiers_now.customer_id
group by
    tiers_before.value_tier,
    tiers_now.value_tier
order by
    tiers_before.value_tier,
    tiers_now.value_tier
