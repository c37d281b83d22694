-- by month of the first order in the whole log: spent in the history, and expected
with newest as (

    select * from {{ champion_batch() }} as newest_batch

),

customers as (

    select
        date_trunc('month', rfm.first_order_date) as first_order_month,
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
    first_order_month,
    count(*) as customers,
    avg(order_count) as mean_order_count,
    sum(net_revenue) as net_revenue,
    sum(predicted_clv) as expected_revenue,
    sum(predicted_clv) / count(*) as expected_revenue_per_customer,
    avg(probability_of_purchase) as mean_probability_of_purchase,
from customers
group by first_order_month
order by first_order_month
