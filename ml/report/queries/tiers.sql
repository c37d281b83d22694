-- value tiers of a batch, best first: who is in them, and what they bring
with customers as (

    select
        ranked.value_tier,
        ranked.clv_rank,
        cast(ranked.predicted_clv as decimal(38, 10)) as money,
        cast(ranked.probability_of_purchase as decimal(18, 9)) as probability,
        rfm.recency_days,
        rfm.order_count,
        rfm.net_revenue,
    from marts.clv_ranked_predictions as ranked
    left join marts.customer_rfm as rfm
        on
            ranked.customer_id = rfm.customer_id
            and ranked.cutoff = rfm.cutoff
    where
        ranked.cutoff = $cutoff
        and ranked.model_id = $model_id

),

tiers as (

    select
        value_tier,
        min(clv_rank) as first_rank,
        count(*) as customers,
        sum(money) as money,
        sum(probability) as buyers,
        median(recency_days) as recency_days,
        median(order_count) as order_count,
        median(net_revenue) as net_revenue,
    from customers
    group by value_tier

)

select
    value_tier,
    customers,
    customers / sum(customers) over () as customer_share,
    cast(money as double) as revenue,
    coalesce(
        cast(money as double) / nullif(cast(sum(money) over () as double), 0), 0
    ) as revenue_share,
    cast(buyers as double) / customers as probability,
    recency_days,
    order_count,
    cast(net_revenue as double) as net_revenue,
from tiers
order by first_rank
