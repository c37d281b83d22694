-- how much of the expected revenue each tier brings, best first
with newest as (

    select * from {{ champion_batch() }} as newest_batch

),

tiers as (

    select
        ranked.value_tier,
        min(ranked.clv_rank) as first_rank,
        count(*) as customers,
        sum(ranked.predicted_clv) as expected_revenue,
        median(ranked.predicted_clv) as median_clv,
        avg(ranked.probability_of_purchase) as mean_probability_of_purchase,
    from {{ ref('clv_ranked_predictions') }} as ranked
    inner join newest
        on
            ranked.cutoff = newest.cutoff
            and ranked.model_id = newest.model_id
    group by ranked.value_tier

)

select
    value_tier,
    customers,
    expected_revenue,
    expected_revenue / sum(expected_revenue) over () as revenue_share,
    sum(expected_revenue) over (order by first_rank)
    / sum(expected_revenue) over () as cumulative_revenue_share,
    median_clv,
    mean_probability_of_purchase,
from tiers
order by first_rank
