{{ config(pre_hook="{{ delete_batch() }}") }}

with predictions as (

    select * from {{ ref('clv_predictions') }}
    where {{ in_champion_batch() }}

),

clusters as (

    select * from {{ ref('clv_clusters') }}
    where {{ in_champion_batch() }}

),

overall as (

    select median(predicted_clv) as median_clv
    from predictions

),

cluster_medians as (

    select
        clusters.cluster_id,
        clusters.cluster_name,
        predictions.cutoff,
        predictions.model_id,
        predictions.pred_months,
        count(*) as customers,
        median(predictions.predicted_clv) as median_clv,
    from predictions
    inner join clusters
        on predictions.customer_id = clusters.customer_id
    group by
        clusters.cluster_id,
        clusters.cluster_name,
        predictions.cutoff,
        predictions.model_id,
        predictions.pred_months

)

select
    cluster_medians.cluster_id,
    cluster_medians.cutoff,
    cluster_medians.model_id,
    cluster_medians.cluster_name,
    cluster_medians.pred_months,
    cluster_medians.customers,
    cluster_medians.median_clv,
    cluster_medians.median_clv / nullif(overall.median_clv, 0) as clv_index,
    cast(
        row_number() over (
            order by cluster_medians.median_clv desc, cluster_medians.cluster_id
        ) as integer
    ) as cluster_rank,
from cluster_medians
cross join overall
