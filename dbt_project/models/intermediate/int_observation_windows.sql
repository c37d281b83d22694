with manifest as (

    select * from {{ ref('champion_manifest') }}

),

champion as (

    select * from manifest
    where ledger_row = (select max(ledger_row) from manifest)

)

select
    {{ cutoff_date() }} as cutoff,
    model_id,
    history_months,
    pred_months,
    {{ history_start(cutoff_date(), 'history_months') }} as history_start,
    {{ window_start(cutoff_date()) }} as window_start,
    {{ window_end(cutoff_date(), 'pred_months') }} as window_end,
from champion
