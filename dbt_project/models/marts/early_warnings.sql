{{ config(materialized='table', tags=['monitor', 'verdicts']) }}

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

buyers as (

    select
        cutoff,
        model_id,
        {{ exact_sum('probability_of_purchase') }} as expected_buyers,
    from {{ ref('clv_predictions') }}
    group by
        cutoff,
        model_id

),

currency as (

    select * from {{ ref('stg_currency') }}

),

limits (indicator, watch_at, alarm_at) as (

    {{ warning_limits() }}

),

-- NaN would be above every limit
known_shifts as (

    select
        shifts.cutoff,
        shifts.model_id,
        shifts.indicator,
        shifts.feature,
        {{ known('shifts.value') }} as value,
        {{ known('shifts.reference') }} as reference,
        {{ known('shifts.noise') }} as noise,
    from shifts

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
            when shifts.indicator in ('feature_shift', 'score_shift') then shifts.value
            else abs(shifts.value - shifts.reference)
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
            when shifts.value is null
                then printf(
                    '%s cannot be told: there is no revenue that it is a share of',
                    replace(shifts.indicator, '_', ' ')
                )
            when shifts.reference is null
                then printf(
                    '%s is %.1f %%, but that of the training cannot be told',
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
    from known_shifts as shifts
    inner join limits
        on shifts.indicator = limits.indicator

),

-- what cannot be told has no distance: too early, or too few buyers expected by now
judged_revenue as (

    select
        revenue.*,
        case
            when revenue.elapsed_share < {{ least_elapsed_share }}
                then 'too early to judge'
            when not revenue.expected_so_far > 0 then 'nothing to compare it with'
            when
                buyers.expected_buyers * revenue.elapsed_share
                < {{ least_expected_buyers() }}
                then printf(
                    '%.1f buyers expected by now, too few to judge',
                    buyers.expected_buyers * revenue.elapsed_share
                )
            when {{ known('revenue.usual_log_distance') }} is null
                then 'the total has no interval to judge it by'
        end as why_not_judged,
        case
            when revenue.expected_so_far > 0
                then cast(revenue.actual_so_far as double) / revenue.expected_so_far
        end as value,
    from revenue
    inner join buyers
        on
            revenue.cutoff = buyers.cutoff
            and revenue.model_id = buyers.model_id

),

revenue_so_far as (

    select
        cutoff,
        model_id,
        'revenue_so_far' as indicator,
        '' as feature,
        as_of_date,
        value,
        1.0 as reference,
        case
            when why_not_judged is null then abs(ln(greatest(value, 0.001)))
        end as distance,
        {{ known('usual_log_distance') }} as watch_at,
        2 * {{ known('usual_log_distance') }} as alarm_at,
        printf(
            '%s of %s expected by now%s, %.0f %% of the window passed; ',
            {{ money_in_words('actual_so_far', 'currency_mark') }},
            {{ money_in_words('expected_so_far', 'currency_mark') }},
            coalesce(printf(' (%.2f)', value), ''),
            100 * elapsed_share
        ) || coalesce(
            why_not_judged,
            printf(
                '%.2f to %.2f is usual',
                exp(-usual_log_distance),
                exp(usual_log_distance)
            )
        ) as reason,
    from judged_revenue
    cross join currency

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
