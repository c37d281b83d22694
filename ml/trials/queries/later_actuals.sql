-- what the customers of a training's cutoff brought after it
select
    customer_id,
    cast(actual_clv as double) as actual_clv,
    actual_order_count,
from actuals
where
    cutoff = $training_cutoff
    and history_months = $history_months
    and pred_months = $pred_months
order by customer_id
