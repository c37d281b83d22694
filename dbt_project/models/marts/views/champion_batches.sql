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

),

champions as (

    select
        batches.*,
        ledger.ledger_row,
        max(ledger.ledger_row) over (
            partition by batches.cutoff
        ) as last_row_of_cutoff,
        max(ledger.ledger_row) over (
            partition by batches.cutoff, batches.pred_months
        ) as last_row_of_months,
    from batches
    inner join ledger
        on batches.model_id = ledger.model_id

)

select
    cutoff,
    model_id,
    history_months,
    pred_months,
    window_start,
    window_end,
    newest_date,
    has_matured,
    ledger_row = last_row_of_cutoff as speaks_for_cutoff,
    customers,
    predicted_total,
    predicted_total_low,
    predicted_total_high,
from champions
where ledger_row = last_row_of_months
