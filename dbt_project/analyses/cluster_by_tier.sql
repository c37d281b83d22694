-- cluster by tier; a lift above 1: more such customers in the tier than by chance
with newest as (

    select * from {{ champion_batch() }} as newest_batch

),

cells as (

    select
        clusters.cluster_name,
        ranked.value_tier,
        min(ranked.clv_rank) as first_rank,
        count(*) as customers,
        sum(ranked.predicted_clv) as expected_revenue,
    from {{ ref('clv_ranked_predictions') }} as ranked
    inner join newest
        on
            ranked.cutoff = newest.cutoff
            and ranked.model_id = newest.model_id
    inner join {{ ref('clv_clusters') }} as clusters
        on
            ranked.customer_id = clusters.customer_id
            and ranked.cutoff = clusters.cutoff
            and ranked.model_id = clusters.model_id
    group by
        clusters.cluster_name,
        ranked.value_tier

)

select
    cluster_name,
    value_tier,
    customers,
    expected_revenue,
    customers * sum(customers) over ()
    / sum(customers) over (partition by cluster_name)
    / sum(customers) over (partition by value_tier) as lift,
from cells
order by
    cluster_name,
    first_rank
