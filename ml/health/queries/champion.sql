-- the champion of today, as the ledger says in SQL
select model_id
from marts.champion_manifest
where kind <> 'challenger'
order by ledger_row desc
limit 1
