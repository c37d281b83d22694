-- what came in each measured window
select
    cutoff,
    model_id,
    actual_total,
from marts.drift_report
where is_newest_revision
