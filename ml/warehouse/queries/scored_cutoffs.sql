-- the scored cutoffs of champions, and the first one that the champion of today scored
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
    min(
        case
            when
                batches.model_id = champion.model_id
                and batches.cutoff >= champion.training_cutoff
                then batches.cutoff
        end
    ) as first_of_champion,
from marts.clv_batches as batches
cross join champion
where batches.role = 'champion'
