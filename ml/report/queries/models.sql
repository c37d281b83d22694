-- the ledger, newest row first
select
    *,
    ledger_row
    = max(ledger_row) filter (where kind <> 'challenger') over () as is_champion,
from marts.champion_manifest
order by ledger_row desc
