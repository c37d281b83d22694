{{ config(tags=['monitor']) }}

with segments as (

    select * from {{ ref('int_segment_sums') }}

),

judged_windows as (

    select * from {{ ref('int_judged_windows') }}

),

windows as (

    select * from {{ ref('int_matured_windows') }}

),

kinds as (

    select
        cutoff,
        model_id,
        revision,
        segment_kind,
        sum(customers) as customers,
        {{ exact_sum('squared_error') }} as squared_error,
        {{ exact_sum('weighted_actual') }} as weighted_actual,
        {{ exact_sum('weighted_predicted') }} as weighted_predicted,
        {{ exact_sum('actual_2') }} as actual_2,
        {{ exact_sum('actual_predicted') }} as actual_predicted,
        {{ exact_sum('predicted_2') }} as predicted_2,
    from segments
    group by
        cutoff,
        model_id,
        revision,
        segment_kind

),

-- the rest of the customers: all other segments of the kind together
beside_the_rest as (

    select
        segments.*,
        kinds.customers as batch_customers,
        kinds.squared_error as batch_squared_error,
        kinds.weighted_predicted - segments.weighted_predicted as rest_predicted,
        kinds.actual_2 - segments.actual_2 as rest_actual_2,
        kinds.actual_predicted - segments.actual_predicted as rest_actual_predicted,
        kinds.predicted_2 - segments.predicted_2 as rest_predicted_2,
        windows.window_end,
        judged_windows.is_quiet,
        judged_windows.is_newest_revision,
        kinds.weighted_actual as batch_weighted_actual,
        {{ weighted_level('segments.weighted_actual', 'segments.weighted_predicted') }}
            as level,
        case
            when kinds.customers > segments.customers
                then
                    {{
                        weighted_level(
                            '(kinds.weighted_actual - segments.weighted_actual)',
                            '(kinds.weighted_predicted - segments.weighted_predicted)',
                        )
                    }}
        end as rest_level,
    from segments
    inner join kinds
        on
            segments.cutoff = kinds.cutoff
            and segments.model_id = kinds.model_id
            and segments.revision = kinds.revision
            and segments.segment_kind = kinds.segment_kind
    inner join judged_windows
        on
            segments.cutoff = judged_windows.cutoff
            and segments.model_id = judged_windows.model_id
            and segments.revision = judged_windows.revision
    inner join windows
        on
            segments.cutoff = windows.cutoff
            and segments.model_id = windows.model_id
            and segments.revision = windows.revision

),

-- even without drift, the levels of two segments differ by a tenth from window to
-- window; more customers do not make that smaller, so its square is added
compared as (

    select
        *,
        case
            when batch_weighted_actual > 0 then ln(level / rest_level)
        end as level_against_rest,
        0.01
        + {{
            level_variance(
                'level',
                'weighted_predicted',
                'actual_2',
                'actual_predicted',
                'predicted_2',
            )
        }}
        + {{
            level_variance(
                'rest_level',
                'rest_predicted',
                'rest_actual_2',
                'rest_actual_predicted',
                'rest_predicted_2',
            )
        }} as variance,
    from beside_the_rest

),

-- a difference that was there in quiet windows too, matured on the cutoff, is usual;
-- their median is taken, so that the first windows of a shock do not count as usual
usual_levels as (

    select
        compared.cutoff,
        compared.model_id,
        compared.revision,
        compared.segment_kind,
        compared.segment_key,
        quantile_cont(earlier.level_against_rest, 0.5) as usual_level_against_rest,
        count(*) as window_count,
    from compared
    inner join compared as earlier
        on
            compared.model_id = earlier.model_id
            and compared.segment_kind = earlier.segment_kind
            and compared.segment_key = earlier.segment_key
            and compared.cutoff >= earlier.window_end
    where
        earlier.is_newest_revision
        and earlier.is_quiet
        and earlier.level_against_rest is not null
    group by
        compared.cutoff,
        compared.model_id,
        compared.revision,
        compared.segment_kind,
        compared.segment_key

),

-- the usual level is itself an estimate, so its variance is added
judged as (

    select
        compared.*,
        coalesce(usual_levels.usual_level_against_rest, 0) as usual_level_against_rest,
        coalesce(usual_levels.window_count, 0) as usual_window_count,
        (
            compared.level_against_rest
            - coalesce(usual_levels.usual_level_against_rest, 0)
        ) / sqrt(
            compared.variance * (1 + coalesce(1 / usual_levels.window_count, 0))
        ) as z_against_rest,
    from compared
    left join usual_levels
        on
            compared.cutoff = usual_levels.cutoff
            and compared.model_id = usual_levels.model_id
            and compared.revision = usual_levels.revision
            and compared.segment_kind = usual_levels.segment_kind
            and compared.segment_key = usual_levels.segment_key

),

-- NULL where it cannot be told
decided as (

    select
        *,
        {{
            segment_drifted(
                'z_against_rest', 'customers', 'batch_customers', 'usual_window_count'
            )
        }} as is_drift,
    from judged

)

select
    cutoff,
    model_id,
    revision,
    segment_kind,
    segment,
    customers,
    predicted_total,
    actual_total,
    actual_total / nullif(predicted_total, 0) as actual_to_predicted,
    absolute_error / customers as mae,
    sqrt(squared_error / customers) as rmse,
    coalesce(squared_error / nullif(batch_squared_error, 0), 0)
        as squared_error_share,
    coalesce(
        (actual_total - predicted_total) / nullif(sqrt(squared_error), 0), 0
    ) as z_score,
    level_against_rest,
    usual_level_against_rest,
    cast(usual_window_count as integer) as usual_window_count,
    z_against_rest,
    coalesce(is_drift, false) as has_drifted,
    -- of two halves, the one that fell behind comes first: missing money is the more
    -- likely cause
    case
        when segment_kind <> 'prediction decile'
            then cast(
                row_number() over (
                    partition by
                        cutoff,
                        model_id,
                        revision,
                        segment_kind = 'prediction decile'
                    order by
                        case
                            when z_against_rest < 0 then -1.5 * z_against_rest
                            else coalesce(z_against_rest, 0)
                        end desc,
                        segment_kind,
                        segment
                ) as integer
            )
    end as segment_rank,
    case
        when is_drift then 'drift'
        when not is_drift then 'ok'
        else 'cannot be told'
    end as verdict,
from decided
{% if is_incremental() %}
    -- what a measurement said stays, even if rows are restated later
    where {{ is_not_in_this_yet() }}
{% endif %}
