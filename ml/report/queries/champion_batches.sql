-- the batch that speaks for each cutoff, oldest first
select * from marts.champion_batches
where speaks_for_cutoff
order by cutoff
