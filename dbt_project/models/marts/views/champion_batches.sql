with batches as (

    select * from {{ ref('batch_windows') }}
    where role = 'champion'

),

-- a model that was promoted again has several rows: its last one counts
ledger as (

    select
        model_id,
        max(ledger_row) as ledger_row,
    from {{ ref('champion_manifest') }}
    group by model_id

)

select
    batches.cutoff,
    batches.model_id,
    batches.history_months,
    batches.pred_months,
    batches.window_start,
    batches.window_end,
    batches.newest_date,
    batches.has_matured,
    ledger.ledger_row = max(ledger.ledger_row) over (
        partition by batches.cutoff
    ) as speaks_for_cutoff,
    batches.customers,
    batches.predicted_total,
    batches.predicted_total_low,
    batches.predicted_total_high,
from batches
inner join ledger
    on batches.model_id = ledger.model_id
qualify
    ledger.ledger_row = max(ledger.ledger_row) over (
        partition by batches.cutoff, batches.pred_months
    )
