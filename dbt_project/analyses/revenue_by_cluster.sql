-- what each kind of buyer brings in total, and what its typical customer is worth
with newest as (

    select * from {{ champion_batch() }} as newest_batch

),

clusters as (

    select
        clusters.cluster_id,
        sum(predictions.predicted_clv) as expected_revenue,
        avg(predictions.probability_of_purchase) as mean_probability_of_purchase,
    from {{ ref('clv_clusters') }} as clusters
    inner join newest
        on
            clusters.cutoff = newest.cutoff
            and clusters.model_id = newest.model_id
    inner join {{ ref('clv_predictions') }} as predictions
        on
            clusters.customer_id = predictions.customer_id
            and clusters.cutoff = predictions.cutoff
            and clusters.model_id = predictions.model_id
    group by clusters.cluster_id

)

select
    ranking.cluster_rank,
    ranking.cluster_name,
    ranking.customers,
    clusters.expected_revenue,
    clusters.expected_revenue / sum(clusters.expected_revenue) over () as revenue_share,
    ranking.median_clv,
    ranking.clv_index,
    clusters.mean_probability_of_purchase,
from clusters
inner join {{ ref('clv_cluster_ranking') }} as ranking
    on clusters.cluster_id = ranking.cluster_id
inner join newest
    on
        ranking.cutoff = newest.cutoff
        and ranking.model_id = newest.model_id
order by ranking.cluster_rank
