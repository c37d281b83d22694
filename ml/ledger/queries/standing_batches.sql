-- one row: how many batches there are, and the newest cutoff that the data reaches
select
    count(*) as batches,
    max(cutoff) filter (where cutoff <= $newest_day) as standing_cutoff,
from marts.clv_batches
where role = 'champion'
