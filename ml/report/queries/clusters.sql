-- clusters of a batch, best first, and everybody together where the cluster is NULL
with customers as (

    select
        clusters.cluster_id,
        cast(predictions.predicted_clv as decimal(38, 10)) as money,
        rfm.recency_days,
        rfm.customer_age_days,
        rfm.order_count,
        rfm.mean_order_value,
    from marts.clv_clusters as clusters
    inner join marts.clv_predictions as predictions
        on
            clusters.customer_id = predictions.customer_id
            and clusters.cutoff = predictions.cutoff
            and clusters.model_id = predictions.model_id
    left join marts.customer_rfm as rfm
        on
            clusters.customer_id = rfm.customer_id
            and clusters.cutoff = rfm.cutoff
    where
        clusters.cutoff = $cutoff
        and clusters.model_id = $model_id

),

typical as (

    select
        cluster_id,
        cast(sum(money) as double) as revenue,
        median(recency_days) as recency_days,
        median(customer_age_days) as customer_age_days,
        avg(order_count) as order_count,
        cast(median(mean_order_value) as double) as mean_order_value,
    from customers
    group by grouping sets ((cluster_id), ())

),

ranking as (

    select * from marts.clv_cluster_ranking
    where
        cutoff = $cutoff
        and model_id = $model_id

)

select
    typical.*,
    ranking.cluster_name,
    ranking.customers,
    ranking.median_clv,
    ranking.clv_index,
    ranking.cluster_rank,
from typical
left join ranking
    on typical.cluster_id = ranking.cluster_id
order by ranking.cluster_rank
