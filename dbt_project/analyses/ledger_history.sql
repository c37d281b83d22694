-- every row of the ledger, with what the model scored since and how good that was
with batches as (

    select
        model_id,
        count(*) as batches_scored,
        max(cutoff) as newest_cutoff,
    from {{ ref('clv_batches') }}
    group by model_id

),

measured as (

    select
        model_id,
        count(*) as windows_measured,
        count(*) filter (where breached) as windows_breached,
        avg(rmse) as mean_rmse,
        max_by(verdict, window_end) as newest_verdict,
    from {{ ref('drift_report') }}
    where is_newest_revision
    group by model_id

)

select
    ledger.ledger_row,
    ledger.model_id,
    ledger.kind,
    ledger.trained_at,
    ledger.training_cutoff,
    ledger.history_months,
    ledger.pred_months,
    ledger.baseline_rmse,
    ledger.baseline_r2,
    coalesce(batches.batches_scored, 0) as batches_scored,
    batches.newest_cutoff,
    coalesce(measured.windows_measured, 0) as windows_measured,
    measured.windows_breached,
    measured.mean_rmse,
    measured.newest_verdict,
from {{ ref('champion_manifest') }} as ledger
left join batches
    on ledger.model_id = batches.model_id
left join measured
    on ledger.model_id = measured.model_id
order by ledger.ledger_row
