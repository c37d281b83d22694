with batches as (

    select * from {{ ref('clv_batches') }}

),

data_reach as (

    select * from {{ ref('int_data_reach') }}

)

select
    batches.cutoff,
    batches.model_id,
    batches.role,
    batches.history_months,
    batches.pred_months,
    batches.window_start,
    batches.window_end,
    data_reach.newest_date,
    batches.window_end <= data_reach.newest_date as has_matured,
    batches.customers,
    batches.predicted_total,
    batches.predicted_total_low,
    batches.predicted_total_high,
from batches
cross join data_reach
