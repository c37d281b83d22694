-- what came of a customer in each measured window, as measured last
select
    cutoff,
    model_id,
    cast(actual_clv as double) as actual_clv,
from marts.clv_predictions_actual
where customer_id = $customer_id
qualify revision = max(revision) over (partition by cutoff, model_id)
