-- share of real revenue that a tenth of the customers brought: chosen by prediction, by
-- past revenue, by the real revenue itself, and at random (0.1)
with matured as (

    select
        actuals.cutoff,
        actuals.model_id,
        actuals.actual_clv,
        count(*) over batch as customers,
        row_number() over (
            batch order by actuals.predicted_clv desc, actuals.customer_id
        ) as rank_by_prediction,
        row_number() over (
            batch order by rfm.net_revenue desc, actuals.customer_id
        ) as rank_by_past_revenue,
        row_number() over (
            batch order by actuals.actual_clv desc, actuals.customer_id
        ) as rank_in_hindsight,
    from {{ ref('clv_predictions_actual') }} as actuals
    inner join {{ ref('customer_rfm') }} as rfm
        on
            actuals.customer_id = rfm.customer_id
            and actuals.cutoff = rfm.cutoff
    window batch as (partition by actuals.cutoff, actuals.model_id)

),

sums as (

    select
        cutoff,
        model_id,
        sum(actual_clv) as actual_revenue,
        sum(actual_clv) filter (
            where rank_by_prediction <= ceil(0.1 * customers)
        ) as revenue_by_prediction,
        sum(actual_clv) filter (
            where rank_by_past_revenue <= ceil(0.1 * customers)
        ) as revenue_by_past_revenue,
        sum(actual_clv) filter (
            where rank_in_hindsight <= ceil(0.1 * customers)
        ) as revenue_in_hindsight,
    from matured
    group by
        cutoff,
        model_id

)

select
    cutoff,
    model_id,
    actual_revenue,
    revenue_by_prediction / actual_revenue as share_by_prediction,
    revenue_by_past_revenue / actual_revenue as share_by_past_revenue,
    revenue_in_hindsight / actual_revenue as share_in_hindsight,
    revenue_by_prediction / actual_revenue / 0.1 as lift_over_random,
from sums
where actual_revenue > 0
order by
    cutoff,
    model_id
