{{ config(materialized='table', tags=['monitor']) }}

{#- until this share of the window has passed, revenue so far is not judged -#}
{%- set least_elapsed_share = 0.15 -%}
with batches as (

    select * from {{ ref('clv_batches') }}

),

shifts as (

    select * from {{ ref('int_population_shift') }}

),

revenue as (

    select * from {{ ref('int_revenue_so_far') }}

),

limits (indicator, watch_at, alarm_at) as (

    {{ warning_limits() }}

),

-- a shift that chance alone can reach is no warning, however small the batch
population as (

    select
        shifts.cutoff,
        shifts.model_id,
        shifts.indicator,
        shifts.feature,
        shifts.cutoff as as_of_date,
        shifts.value,
        shifts.reference,
        case
            when shifts.noise is null then abs(shifts.value - shifts.reference)
            else shifts.value
        end as distance,
        greatest(limits.watch_at, coalesce(shifts.noise, 0)) as watch_at,
        greatest(limits.alarm_at, coalesce(shifts.noise, 0)) as alarm_at,
        case
            when shifts.indicator = 'feature_shift'
                then printf(
                    'stability index of %s against the training population: %.2f',
                    shifts.feature, shifts.value
                )
            when shifts.indicator = 'score_shift'
                then printf(
                    'stability index of the predictions against training: %.2f',
                    shifts.value
                )
            when shifts.reference is null
                then printf(
                    '%s is %.1f %%; what it was at training is not known',
                    replace(shifts.indicator, '_', ' '),
                    100 * shifts.value
                )
            else printf(
                '%s is %.1f %%, at training it was %.1f %%',
                replace(shifts.indicator, '_', ' '),
                100 * shifts.value,
                100 * shifts.reference
            )
        end as reason,
    from shifts
    inner join limits
        on shifts.indicator = limits.indicator

),

revenue_so_far as (

    select
        cutoff,
        model_id,
        'revenue_so_far' as indicator,
        '' as feature,
        as_of_date,
        cast(actual_so_far as double) / nullif(expected_so_far, 0) as value,
        1.0 as reference,
        case
            when elapsed_share >= {{ least_elapsed_share }}
                then abs(
                    ln(
                        greatest(
                            cast(actual_so_far as double) / nullif(expected_so_far, 0),
                            0.001
                        )
                    )
                )
        end as distance,
        usual_log_distance as watch_at,
        2 * usual_log_distance as alarm_at,
        printf(
            '%.0f of %.0f expected by now (%.2f), %.0f %% of the window passed; ',
            cast(actual_so_far as double),
            expected_so_far,
            coalesce(cast(actual_so_far as double) / nullif(expected_so_far, 0), 0),
            100 * elapsed_share
        ) || case
            when elapsed_share < {{ least_elapsed_share }} then 'too early to judge'
            else printf(
                '%.2f to %.2f is usual',
                exp(-usual_log_distance),
                exp(usual_log_distance)
            )
        end as reason,
    from revenue

),

warnings as (

    select * from population
    union all
    select * from revenue_so_far

)

select
    warnings.cutoff,
    warnings.model_id,
    batches.role,
    warnings.indicator,
    warnings.feature,
    batches.window_start,
    batches.window_end,
    warnings.as_of_date,
    cast(warnings.value as double) as value,
    cast(warnings.reference as double) as reference,
    cast(warnings.distance as double) as distance,
    cast(warnings.watch_at as double) as watch_at,
    cast(warnings.alarm_at as double) as alarm_at,
    {{ warning_level('warnings.distance', 'warnings.watch_at', 'warnings.alarm_at') }}
        as level,
    warnings.reason,
from warnings
inner join batches
    on
        warnings.cutoff = batches.cutoff
        and warnings.model_id = batches.model_id
