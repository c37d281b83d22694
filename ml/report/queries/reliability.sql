-- a measured window by tenths of its customers, the highest probability of a purchase
-- first: what was stated, how many of them bought, and how far chance moves that
with customers as (

    select
        probability_of_purchase as probability,
        case when actual_order_count > 0 then 1 else 0 end as has_bought,
        ntile(10) over (
            order by probability_of_purchase desc, customer_id
        ) as tenth,
    from marts.clv_predictions_actual
    where
        cutoff = $cutoff
        and model_id = $model_id
        and revision = $revision

),

tenths as (

    select
        tenth,
        count(*) as customers,
        sum(has_bought) as buyers,
        cast(sum(cast(probability as decimal(18, 9))) as double) as expected,
        cast(
            sum(cast(probability * (1 - probability) as decimal(18, 9))) as double
        ) as variance,
    from customers
    group by tenth

)

select
    tenth,
    customers,
    expected / customers as stated,
    buyers / customers as bought,
    sqrt(variance) / customers as standard_error,
from tenths
order by tenth
