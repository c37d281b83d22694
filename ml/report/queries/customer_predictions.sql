-- what each batch says of a customer
select
    predictions.cutoff,
    predictions.model_id,
    predictions.predicted_clv,
    predictions.predicted_clv_low,
    predictions.predicted_clv_high,
    predictions.probability_of_purchase,
    ranked.clv_rank,
    ranked.clv_percentile,
    ranked.value_tier,
    clusters.cluster_id,
    clusters.cluster_name,
from marts.clv_predictions as predictions
left join marts.clv_ranked_predictions as ranked
    on
        predictions.customer_id = ranked.customer_id
        and predictions.cutoff = ranked.cutoff
        and predictions.model_id = ranked.model_id
left join marts.clv_clusters as clusters
    on
        predictions.customer_id = clusters.customer_id
        and predictions.cutoff = clusters.cutoff
        and predictions.model_id = clusters.model_id
where predictions.customer_id = $customer_id
