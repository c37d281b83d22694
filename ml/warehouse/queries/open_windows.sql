-- batches whose window the data has not reached the end of, soonest first
select
    cutoff,
    model_id,
    window_end,
from marts.batch_windows
where not has_matured
order by
    window_end,
    model_id
