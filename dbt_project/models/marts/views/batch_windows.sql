with batches as (

    select * from {{ ref('clv_batches') }}

),

newest as (

    select max(activity_date) as newest_date
    from {{ ref('int_customer_days') }}

)

select
    batches.cutoff,
    batches.model_id,
    batches.role,
    batches.history_months,
    batches.pred_months,
    batches.window_start,
    batches.window_end,
    newest.newest_date,
    batches.window_end <= newest.newest_date as has_matured,
    batches.customers,
    batches.predicted_total,
    batches.predicted_total_low,
    batches.predicted_total_high,
from batches
cross join newest
