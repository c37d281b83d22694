with manifest as (

    select * from {{ ref('champion_manifest') }}

),

champion as (

    select
        *,
        'champion' as role,
    from manifest
    where kind in ('train', 'promote')
    order by ledger_row desc
    limit 1

),

-- the newest challenger, unless a champion was made after it
challenger as (

    select
        manifest.*,
        'challenger' as role,
    from manifest
    inner join champion
        on manifest.ledger_row > champion.ledger_row
    where manifest.kind = 'challenger'
    order by manifest.ledger_row desc
    limit 1

),

scoring_models as (

    select * from champion
    union all
    select * from challenger

)

select
    {{ cutoff_date() }} as cutoff,
    model_id,
    role,
    history_months,
    pred_months,
    {{ history_start(cutoff_date(), 'history_months') }} as history_start,
    {{ window_start(cutoff_date()) }} as window_start,
    {{ window_end(cutoff_date(), 'pred_months') }} as window_end,
from scoring_models
