-- the scored cutoffs of champions, and the champion of today; no row before a batch
with champion as (

    select
        model_id,
        training_cutoff,
    from marts.champion_manifest
    where kind <> 'challenger'
    order by ledger_row desc
    limit 1

)

select
    count(distinct batches.cutoff) as cutoffs,
    min(batches.cutoff) as first_cutoff,
    max(batches.cutoff) as newest_cutoff,
    champion.model_id,
    champion.training_cutoff,
from marts.clv_batches as batches
cross join champion
where batches.role = 'champion'
group by
    champion.model_id,
    champion.training_cutoff
