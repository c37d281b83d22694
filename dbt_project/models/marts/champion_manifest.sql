{{ config(materialized='table', partition_by=none, tags=['ledger']) }}

with manifest as (

    select * from {{ ref('stg_champion_manifest') }}

)

select
    cast(ledger_row as integer) as ledger_row,
    model_id,
    kind,
    cast("timestamp" as timestamp) as trained_at,
    code_commit,
    cast(code_dirty as boolean) as code_dirty,
    code_diff_sha256,
    cast(training_cutoff as date) as training_cutoff,
    cast(history_months as integer) as history_months,
    cast(pred_months as integer) as pred_months,
    hyper_parameters,
    data_fingerprint,
    library_versions,
    cast(baseline_rmse as double) as baseline_rmse,
    cast(baseline_r2 as double) as baseline_r2,
    baselines,
    artefact_sha256,
    card_sha256,
    previous_row_sha256,
    row_sha256,
from manifest
