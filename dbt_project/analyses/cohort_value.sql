-- by month of the first purchase in the history window: spent so far, and expected
with newest as (

    select * from {{ champion_batch() }} as newest_batch

),

customers as (

    select
        date_trunc('month', rfm.cutoff - rfm.tenure_days) as first_purchase_month,
        rfm.net_revenue,
        rfm.order_count,
        predictions.predicted_clv,
        predictions.probability_of_purchase,
    from {{ ref('customer_rfm') }} as rfm
    inner join newest
        on rfm.cutoff = newest.cutoff
    inner join {{ ref('clv_predictions') }} as predictions
        on
            rfm.customer_id = predictions.customer_id
            and rfm.cutoff = predictions.cutoff
            and newest.model_id = predictions.model_id

)

select
    first_purchase_month,
    count(*) as customers,
    avg(order_count) as mean_order_count,
    sum(net_revenue) as net_revenue,
    sum(predicted_clv) as expected_revenue,
    sum(predicted_clv) / count(*) as expected_revenue_per_customer,
    avg(probability_of_purchase) as mean_probability_of_purchase,
from customers
group by first_purchase_month
order by first_purchase_month
