{{ config(materialized='table', tags=['monitor']) }}

with measurements as (

    select * from {{ ref('drift_measurements') }}

),

windows as (

    select * from {{ ref('int_matured_windows') }}

),

-- the role at the newest scoring: a challenger may have become the champion since
batches as (

    select * from {{ ref('clv_batches') }}

),

drift_segments as (

    select * from {{ ref('drift_segments') }}

),

models as (

    select
        model_id,
        min(baseline_rmse) as baseline_rmse,
        min(baseline_r2) as baseline_r2,
    from {{ ref('champion_manifest') }}
    group by model_id

),

-- the segment to look at first: one that drifted, or else the one with rank 1
first_segments as (

    select
        cutoff,
        model_id,
        revision,
        segment_kind,
        segment,
        z_against_rest as segment_z,
        has_drifted as segment_has_drifted,
    from drift_segments
    where segment_rank is not null
    qualify
        row_number() over (
            partition by cutoff, model_id, revision
            order by has_drifted desc, segment_rank
        ) = 1

),

judged as (

    select
        batches.role,
        windows.history_months,
        windows.pred_months,
        windows.window_start,
        windows.window_end,
        models.baseline_rmse,
        models.baseline_r2,
        windows.cutoff,
        measurements.* exclude (cutoff),
        first_segments.segment_kind,
        first_segments.segment,
        first_segments.segment_z,
        coalesce(first_segments.segment_has_drifted, false) as segment_has_drifted,
        measurements.is_significant
        or coalesce(first_segments.segment_has_drifted, false) as has_drifted,
        measurements.revision = max(measurements.revision) over (
            partition by measurements.cutoff, measurements.model_id
        ) as is_newest_revision,
        {{
            rmse_breached(
                'measurements.rmse', 'models.baseline_rmse', 'measurements.threshold_rmse'
            )
        }} as rmse_is_breached,
        {{
            r2_breached(
                'measurements.r2', 'models.baseline_r2', 'measurements.threshold_r2'
            )
        }} as r2_is_breached,
    from measurements
    inner join windows
        on
            measurements.cutoff = windows.cutoff
            and measurements.model_id = windows.model_id
            and measurements.revision = windows.revision
    inner join batches
        on
            measurements.cutoff = batches.cutoff
            and measurements.model_id = batches.model_id
    inner join models
        on measurements.model_id = models.model_id
    left join first_segments
        on
            measurements.cutoff = first_segments.cutoff
            and measurements.model_id = first_segments.model_id
            and measurements.revision = first_segments.revision

),

-- the window before, in its newest revision: two drifts in a row are sustained drift
previous as (

    select
        cutoff,
        model_id,
        lag(has_drifted) over (
            partition by model_id order by cutoff
        ) as previous_has_drifted,
    from judged
    where is_newest_revision

)

select
    judged.cutoff,
    judged.model_id,
    cast(judged.revision as integer) as revision,
    judged.is_newest_revision,
    judged.role,
    judged.history_months,
    judged.pred_months,
    judged.window_start,
    judged.window_end,
    cast(judged.customers as bigint) as customers,
    judged.predicted_total,
    judged.actual_total,
    judged.rmse,
    judged.baseline_rmse,
    judged.rmse / nullif(judged.baseline_rmse, 0) - 1 as rmse_change,
    judged.threshold_rmse as rmse_threshold,
    judged.rmse_is_breached,
    judged.r2,
    judged.baseline_r2,
    {{ r2_change('judged.r2', 'judged.baseline_r2') }} as r2_change,
    judged.threshold_r2 as r2_threshold,
    judged.r2_is_breached,
    judged.rmse_is_breached or judged.r2_is_breached as breached,
    judged.mae,
    judged.d2,
    judged.normalised_gini,
    judged.spearman,
    judged.top_decile_share,
    judged.bias,
    judged.interval_coverage,
    judged.error_change,
    judged.error_low,
    judged.error_high,
    judged.level_change,
    judged.level_low,
    judged.level_high,
    judged.lead_change,
    judged.lead_low,
    judged.lead_high,
    judged.lead_over_naive,
    judged.lead_over_naive_low,
    judged.lead_over_naive_high,
    judged.lead_over_pareto_nbd,
    judged.lead_over_pareto_nbd_low,
    judged.lead_over_pareto_nbd_high,
    judged.segment_kind,
    judged.segment,
    judged.segment_z,
    cast({{ segment_z_threshold() }} as double) as segment_threshold,
    judged.segment_has_drifted,
    {{
        drift_verdict(
            'judged.rmse_is_breached or judged.r2_is_breached',
            'judged.has_drifted',
            'previous.previous_has_drifted',
        )
    }} as verdict,
from judged
left join previous
    on
        judged.cutoff = previous.cutoff
        and judged.model_id = previous.model_id
