{# Fails when a level or a usual distance is not the one in the table. #}
{{ config(tags=['macro']) }}

with distances (distance, expected) as (

    values
    (0.00, 'ok'),
    (0.10, 'ok'),
    (0.11, 'watch'),
    (0.25, 'watch'),
    (0.26, 'alarm'),
    (null, 'cannot be told'),
    (cast('nan' as double), 'cannot be told')

),

limits (indicator, watch_at, alarm_at) as (

    {{ warning_limits() }}

)

select expected as failure
from distances
where {{ warning_level('distance', '0.10', '0.25') }} <> expected

union all

-- without a limit there is nothing to compare with
select 'no limit' as failure
where
    {{ warning_level('0.5', 'cast(null as double)', 'cast(null as double)') }}
    <> 'cannot be told'
    or {{ warning_level('0.5', "cast('nan' as double)", "cast('nan' as double)") }}
    <> 'cannot be told'

union all

select indicator as failure
from limits
where not (0 < watch_at and watch_at < alarm_at)

union all

-- with an interval of 1/e..e the distance is 1 for the whole window, 2 after a quarter
select 'usual distance' as failure
where
    abs({{ usual_log_distance('exp(-1)', 'exp(1)', '1') }} - 1) > 0.000001
    or abs({{ usual_log_distance('exp(-1)', 'exp(1)', '0.25') }} - 2) > 0.000001
