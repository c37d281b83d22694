-- verdicts of all measured windows of champions, newest revisions
select
    cutoff,
    model_id,
    revision,
    pred_months,
    rmse,
    baseline_rmse,
    r2,
    baseline_r2,
    bias,
    breached,
    total_is_inside,
    expected_buyers,
    actual_buyers,
    brier_score,
    segment_kind,
    segment,
    segment_z,
    segment_has_drifted,
    verdict,
    reason,
from marts.drift_report
where
    is_newest_revision
    and role = 'champion'
order by
    cutoff,
    model_id
