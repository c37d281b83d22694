-- the champion's newest matured window in tenths by prediction: did each tenth spend
-- what was predicted?
with newest_window as (

    select
        cutoff,
        model_id,
    from {{ ref('drift_report') }}
    where role = 'champion' and is_newest_revision
    order by
        cutoff desc,
        model_id desc
    limit 1

),

matured as (

    select actuals.*
    from {{ ref('clv_predictions_actual') }} as actuals
    inner join newest_window
        on
            actuals.cutoff = newest_window.cutoff
            and actuals.model_id = newest_window.model_id

),

tenths as (

    select
        *,
        ntile(10) over (order by predicted_clv desc, customer_id) as tenth,
    from matured

)

select
    cutoff,
    model_id,
    tenth,
    count(*) as customers,
    avg(predicted_clv) as mean_predicted_clv,
    avg(actual_clv) as mean_actual_clv,
    avg(actual_clv) / nullif(avg(predicted_clv), 0) as actual_to_predicted,
    avg(probability_of_purchase) as mean_probability_of_purchase,
    avg(cast(actual_order_count > 0 as integer)) as buyer_share,
    avg(
        cast(actual_clv between predicted_clv_low and predicted_clv_high as integer)
    ) as interval_coverage,
from tenths
group by
    cutoff,
    model_id,
    tenth
order by tenth
