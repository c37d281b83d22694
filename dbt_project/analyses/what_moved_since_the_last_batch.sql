-- customers whose expected spend changed most from the batch before to the newest one
with newest as (

    select * from {{ champion_batch() }} as newest_batch

),

before as (

    select * from {{ champion_batch(back=1) }} as batch_before

),

customers_now as (

    select
        predictions.customer_id,
        predictions.predicted_clv,
        rfm.recency_days,
        rfm.order_count,
    from {{ ref('clv_predictions') }} as predictions
    inner join newest
        on
            predictions.cutoff = newest.cutoff
            and predictions.model_id = newest.model_id
    inner join {{ ref('customer_rfm') }} as rfm
        on
            predictions.customer_id = rfm.customer_id
            and predictions.cutoff = rfm.cutoff

),

customers_before as (

    select
        predictions.customer_id,
        predictions.predicted_clv,
    from {{ ref('clv_predictions') }} as predictions
    inner join before
        on
            predictions.cutoff = before.cutoff
            and predictions.model_id = before.model_id

)

select
    customers_now.customer_id,
    customers_before.predicted_clv as predicted_clv_before,
    customers_now.predicted_clv as predicted_clv_now,
    customers_now.predicted_clv - customers_before.predicted_clv as change,
    -- true: bought since the last batch; false: the last purchase is before it
    customers_now.recency_days < newest.cutoff - before.cutoff as has_bought_since,
    customers_now.recency_days,
    customers_now.order_count,
from customers_now
inner join customers_before
    on customers_now.customer_id = customers_before.customer_id
cross join newest
cross join before
order by abs(change) desc, customers_now.customer_id
limit 50
