{{ config(materialized='table', tags=['monitor', 'verdicts']) }}

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

currency as (

    select * from {{ ref('stg_currency') }}

),

judged_windows as (

    select * from {{ ref('int_judged_windows') }}

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
    from drift_segments
    where segment_rank is not null
    qualify
        row_number() over (
            partition by cutoff, model_id, revision
            order by has_drifted desc, segment_rank
        ) = 1

),

-- whether a segment drifted alone; NULL when that can be told of none
judged_segments as (

    select
        segments.cutoff,
        segments.model_id,
        segments.revision,
        max(
            case
                {{
                    segment_drifted(
                        'segments.z_against_rest',
                        'segments.customers',
                        'measurements.customers',
                        'segments.usual_window_count',
                    )
                }}
                when true then 1
                when false then 0
            end
        ) = 1 as segment_has_drifted,
    from drift_segments as segments
    inner join measurements
        on
            segments.cutoff = measurements.cutoff
            and segments.model_id = measurements.model_id
            and segments.revision = measurements.revision
    where segments.segment_rank is not null
    group by
        segments.cutoff,
        segments.model_id,
        segments.revision

),

judged as (

    select
        batches.role,
        windows.history_months,
        windows.pred_months,
        windows.window_start,
        windows.window_end,
        windows.cutoff,
        measurements.* exclude (cutoff),
        judged_windows.* exclude (
            cutoff, model_id, revision, is_quiet, is_significant
        ),
        {{
            any_of(
                [
                    'judged_windows.rmse_is_breached',
                    'judged_windows.r2_is_breached',
                ]
            )
        }} as breached,
        first_segments.segment_kind,
        first_segments.segment,
        first_segments.segment_z,
        judged_segments.segment_has_drifted,
        judged_windows.is_significant
        or coalesce(judged_segments.segment_has_drifted, false) as has_drifted,
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
    inner join judged_windows
        on
            measurements.cutoff = judged_windows.cutoff
            and measurements.model_id = judged_windows.model_id
            and measurements.revision = judged_windows.revision
    left join first_segments
        on
            measurements.cutoff = first_segments.cutoff
            and measurements.model_id = first_segments.model_id
            and measurements.revision = first_segments.revision
    left join judged_segments
        on
            measurements.cutoff = judged_segments.cutoff
            and measurements.model_id = judged_segments.model_id
            and measurements.revision = judged_segments.revision

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

),

-- half the width of the total's interval, in logarithms like its place in it
decided as (

    select
        judged.*,
        currency.currency_mark,
        case
            when
                judged.predicted_total_low > 0
                and judged.predicted_total_high > judged.predicted_total_low
                then ln(judged.predicted_total_high / judged.predicted_total_low) / 2
        end as half_width,
        {{
            drift_verdict(
                'not judged.total_is_inside',
                'judged.breached',
                'judged.has_drifted',
                'previous.previous_has_drifted',
                is_judged(
                    'judged.total_is_inside',
                    'judged.customers',
                    'judged.error_is_worse',
                    'judged.breached',
                ),
            )
        }} as verdict,
    from judged
    left join previous
        on
            judged.cutoff = previous.cutoff
            and judged.model_id = previous.model_id
    cross join currency

)

select
    decided.cutoff,
    decided.model_id,
    cast(decided.revision as integer) as revision,
    decided.is_newest_revision,
    decided.role,
    decided.history_months,
    decided.pred_months,
    decided.window_start,
    decided.window_end,
    cast(decided.customers as bigint) as customers,
    decided.predicted_total,
    decided.predicted_total_low,
    decided.predicted_total_high,
    decided.actual_total,
    decided.total_is_inside,
    decided.total_is_outside_twice,
    decided.expected_buyers,
    decided.actual_buyers,
    decided.brier_score,
    decided.rmse,
    decided.baseline_rmse,
    decided.rmse / nullif(decided.baseline_rmse, 0) - 1 as rmse_change,
    decided.threshold_rmse as rmse_threshold,
    decided.rmse_is_breached,
    {{ known('decided.r2') }} as r2,
    decided.baseline_r2,
    {{ r2_change(known('decided.r2'), known('decided.baseline_r2')) }} as r2_change,
    decided.threshold_r2 as r2_threshold,
    decided.r2_is_breached,
    decided.breached,
    decided.mae,
    {{ known('decided.d2') }} as d2,
    {{ known('decided.normalised_gini') }} as normalised_gini,
    {{ known('decided.spearman') }} as spearman,
    {{ known('decided.top_decile_share') }} as top_decile_share,
    {{ known('decided.bias') }} as bias,
    decided.interval_coverage,
    {{ known('decided.error_change') }} as error_change,
    {{ known('decided.error_low') }} as error_low,
    {{ known('decided.error_high') }} as error_high,
    case
        when decided.actual_total > 0 and decided.predicted_total > 0
            then ln(decided.actual_total / decided.predicted_total)
    end as level_change,
    case
        when decided.actual_total > 0
            then (decided.total_place - {{ far_outside() }}) * decided.half_width
    end as level_low,
    case
        when decided.actual_total > 0
            then (decided.total_place + {{ far_outside() }}) * decided.half_width
    end as level_high,
    {{ known('decided.lead_change') }} as lead_change,
    {{ known('decided.lead_low') }} as lead_low,
    {{ known('decided.lead_high') }} as lead_high,
    {{ known('decided.lead_over_naive') }} as lead_over_naive,
    {{ known('decided.lead_over_naive_low') }} as lead_over_naive_low,
    {{ known('decided.lead_over_naive_high') }} as lead_over_naive_high,
    {{ known('decided.lead_over_pareto_nbd') }} as lead_over_pareto_nbd,
    {{ known('decided.lead_over_pareto_nbd_low') }} as lead_over_pareto_nbd_low,
    {{ known('decided.lead_over_pareto_nbd_high') }} as lead_over_pareto_nbd_high,
    decided.segment_kind,
    decided.segment,
    decided.segment_z,
    cast({{ segment_z_threshold() }} as double) as segment_threshold,
    decided.segment_has_drifted,
    decided.verdict,
    {{ drift_reason('decided') }} as reason,
from decided
