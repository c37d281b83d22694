-- the best fifth by expected spend; those least sure to come back are first
with newest as (

    select * from {{ champion_batch() }} as newest_batch

),

best_fifth as (

    select ranked.*
    from {{ ref('clv_ranked_predictions') }} as ranked
    inner join newest
        on
            ranked.cutoff = newest.cutoff
            and ranked.model_id = newest.model_id
    where ranked.clv_percentile > 80

)

select
    best_fifth.customer_id,
    best_fifth.value_tier,
    best_fifth.predicted_clv,
    best_fifth.probability_of_purchase,
    clusters.cluster_name,
    rfm.recency_days,
    rfm.order_count,
    rfm.mean_order_value,
    drivers.driver_text as strongest_driver,
from best_fifth
inner join {{ ref('clv_clusters') }} as clusters
    on
        best_fifth.customer_id = clusters.customer_id
        and best_fifth.cutoff = clusters.cutoff
        and best_fifth.model_id = clusters.model_id
inner join {{ ref('customer_rfm') }} as rfm
    on
        best_fifth.customer_id = rfm.customer_id
        and best_fifth.cutoff = rfm.cutoff
left join {{ ref('clv_drivers') }} as drivers
    on
        best_fifth.customer_id = drivers.customer_id
        and best_fifth.cutoff = drivers.cutoff
        and best_fifth.model_id = drivers.model_id
        and drivers.driver_rank = 1
order by best_fifth.probability_of_purchase, best_fifth.customer_id
limit 50
