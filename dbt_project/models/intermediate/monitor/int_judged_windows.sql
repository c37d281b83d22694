{{ config(tags=['monitor', 'verdicts']) }}

with measurements as (

    select * from {{ ref('drift_measurements') }}

),

windows as (

    select * from {{ ref('int_matured_windows') }}

),

totals as (

    select * from {{ ref('int_window_totals') }}

),

batches as (

    select * from {{ ref('clv_batches') }}

),

models as (

    select
        model_id,
        min(baseline_rmse) as baseline_rmse,
        min(baseline_r2) as baseline_r2,
    from {{ ref('champion_manifest') }}
    group by model_id

),

-- what an earlier version measured has no totals where it is not the newest revision
measured as (

    select
        windows.cutoff,
        windows.model_id,
        windows.revision,
        windows.window_start,
        windows.window_end,
        measurements.customers,
        measurements.actual_total,
        measurements.predicted_total,
        coalesce(totals.predicted_total_low, batches.predicted_total_low)
            as predicted_total_low,
        coalesce(totals.predicted_total_high, batches.predicted_total_high)
            as predicted_total_high,
        totals.expected_buyers,
        totals.actual_buyers,
        totals.brier_score,
        models.baseline_rmse,
        models.baseline_r2,
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
        case
            when measurements.customers >= {{ least_customers() }}
                then {{ known('measurements.error_low') }} > 0
        end as error_is_worse,
        case
            when measurements.customers >= {{ least_customers() }}
                then {{ known('measurements.lead_high') }} < 0
        end as lead_is_lost,
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
    left join totals
        on
            measurements.cutoff = totals.cutoff
            and measurements.model_id = totals.model_id
            and measurements.revision = totals.revision

),

placed as (

    select
        *,
        {{
            total_place(
                'actual_total',
                'predicted_total_low',
                'predicted_total_high',
                'expected_buyers',
            )
        }} as total_place,
        actual_total <= 0
        and predicted_total > 0
        and coalesce(expected_buyers >= {{ least_expected_buyers() }}, true)
            as nothing_came,
    from measured

),

-- the window before, in its newest revision
previous as (

    select
        cutoff,
        model_id,
        lag(total_place) over (
            partition by model_id order by cutoff
        ) as previous_place,
        lag(window_end) over (
            partition by model_id order by cutoff
        ) as previous_end,
    from placed
    where is_newest_revision

),

-- the days that this window and the one before have in common, as a share of it
compared as (

    select
        placed.*,
        previous.previous_place,
        greatest(
            date_diff('day', placed.window_start, previous.previous_end) + 1, 0
        ) / (
            date_diff('day', placed.window_start, placed.window_end) + 1
        ) as shared_days_share,
    from placed
    left join previous
        on
            placed.cutoff = previous.cutoff
            and placed.model_id = previous.model_id

),

judged as (

    select
        *,
        abs(total_place) <= 1 as total_is_inside,
        coalesce(abs(total_place) > {{ far_outside() }}, false) as total_is_far_outside,
        coalesce(
            abs(total_place) > 1
            and abs(previous_place) > 1
            and total_place * previous_place > 0,
            false
        ) as total_is_outside_twice,
        coalesce(
            {{ outside_again('total_place', 'previous_place', 'shared_days_share') }},
            false
        ) as total_is_outside_again,
    from compared

)

select
    cutoff,
    model_id,
    revision,
    is_newest_revision,
    predicted_total_low,
    predicted_total_high,
    expected_buyers,
    actual_buyers,
    brier_score,
    baseline_rmse,
    baseline_r2,
    rmse_is_breached,
    r2_is_breached,
    error_is_worse,
    lead_is_lost,
    total_place,
    total_is_inside,
    total_is_far_outside,
    total_is_outside_twice,
    total_is_outside_again,
    nothing_came,
    -- a total that is off for everybody says nothing of one segment against the rest
    not coalesce(error_is_worse, false)
    and not coalesce(lead_is_lost, false)
    and not nothing_came as is_quiet,
    coalesce(error_is_worse, false)
    or coalesce(lead_is_lost, false)
    or total_is_far_outside
    or total_is_outside_again
    or nothing_came as is_significant,
from judged
