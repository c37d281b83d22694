-- every batch of every model, oldest first, and whether it speaks for its cutoff
select
    batches.cutoff,
    batches.model_id,
    batches.role,
    coalesce(champions.speaks_for_cutoff, false) as speaks,
    batches.history_months,
    batches.pred_months,
    batches.window_start,
    batches.window_end,
    batches.has_matured as is_matured,
    batches.customers,
from marts.batch_windows as batches
left join marts.champion_batches as champions
    on
        batches.cutoff = champions.cutoff
        and batches.model_id = champions.model_id
order by
    batches.cutoff,
    speaks,
    batches.model_id
