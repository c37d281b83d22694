-- tier in the batch before and now; NULL: not a customer of that batch
with newest as (

    select * from {{ champion_batch() }} as newest_batch

),

before as (

    select * from {{ champion_batch(back=1) }} as batch_before

),

tiers_now as (

    select
        ranked.customer_id,
        ranked.value_tier,
        ranked.predicted_clv,
    from {{ ref('clv_ranked_predictions') }} as ranked
    inner join newest
        on
            ranked.cutoff = newest.cutoff
            and ranked.model_id = newest.model_id

),

tiers_before as (

    select
        ranked.customer_id,
        ranked.value_tier,
        ranked.predicted_clv,
    from {{ ref('clv_ranked_predictions') }} as ranked
    inner join before
        on
            ranked.cutoff = before.cutoff
            and ranked.model_id = before.model_id

)

select
    tiers_before.value_tier as tier_before,
    tiers_now.value_tier as tier_now,
    count(*) as customers,
    sum(tiers_before.predicted_clv) as expected_revenue_before,
    sum(tiers_now.predicted_clv) as expected_revenue_now,
from tiers_before
full outer join tiers_now
    on tiers_before.customer_id = tiers_now.customer_id
group by
    tiers_before.value_tier,
    tiers_now.value_tier
order by customers desc
