-- every batch of a champion: its forecast and, when the window has matured, what came
select
    batches.cutoff,
    batches.model_id,
    batches.window_start,
    batches.window_end,
    batches.customers,
    batches.predicted_total_low,
    batches.predicted_total,
    batches.predicted_total_high,
    report.actual_total,
    report.actual_total / nullif(report.predicted_total, 0) as actual_to_predicted,
    report.actual_total between batches.predicted_total_low
    and batches.predicted_total_high as is_inside_interval,
    report.verdict,
from {{ ref('clv_batches') }} as batches
left join {{ ref('drift_report') }} as report
    on
        batches.cutoff = report.cutoff
        and batches.model_id = report.model_id
        and report.is_newest_revision
where batches.role = 'champion'
order by
    batches.cutoff,
    batches.model_id
