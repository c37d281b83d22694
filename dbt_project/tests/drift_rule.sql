{# Fails when a threshold, change, segment or verdict is not the one in the table. #}
{{ config(tags=['macro']) }}

-- thresholds: +20 % of RMSE, -15 % of R2; a value equal to its threshold is no breach
with windows (
    name, rmse, baseline_rmse, r2, baseline_r2, rmse_expected, r2_expected
) as (

    values
    ('as at training', 10.0, 10.0, 0.50, 0.50, false, false),
    ('rmse at the threshold', 12.0, 10.0, 0.50, 0.50, false, false),
    ('rmse beyond it', 12.1, 10.0, 0.50, 0.50, true, false),
    ('rmse much better', 5.0, 10.0, 0.50, 0.50, false, false),
    ('r2 beyond the threshold', 10.0, 10.0, 0.42, 0.50, false, true),
    ('r2 before it', 10.0, 10.0, 0.43, 0.50, false, false),
    ('r2 absolute below a baseline of 0', 10.0, 10.0, -0.16, 0.00, false, true),
    ('r2 absolute, before it', 10.0, 10.0, -0.14, 0.00, false, false),
    ('r2 absolute below a negative one', 10.0, 10.0, -0.36, -0.20, false, true),
    ('r2 above a negative one', 10.0, 10.0, -0.10, -0.20, false, false),
    ('r2 undefined', 10.0, 10.0, null, 0.50, false, null),
    ('r2 is no number', 10.0, 10.0, cast('nan' as double), 0.50, false, null),
    ('rmse is no number', cast('nan' as double), 10.0, 0.50, 0.50, null, false),
    ('no baseline', 10.0, null, 0.50, null, null, null),
    (
        'baselines are no numbers',
        1.0, cast('nan' as double), 0.0, cast('nan' as double), null, null
    )

),

verdicts (
    outside, breached, significant, previous_significant, is_judged, expected
) as (

    values
    (false, false, false, null, true, 'ok'),
    (false, false, false, true, true, 'ok'),
    (false, null, false, null, true, 'ok'),
    (false, false, false, null, false, 'cannot be told'),
    (null, null, false, true, false, 'cannot be told'),
    (true, false, false, true, true, 'breach'),
    (true, null, false, true, false, 'breach'),
    (null, true, false, true, false, 'breach'),
    (false, true, true, null, true, 'drift'),
    (null, null, true, null, false, 'drift'),
    (false, false, true, false, true, 'drift'),
    (false, false, true, true, true, 'sustained drift'),
    (true, true, true, true, true, 'sustained drift')

),

-- interval from 800 to 1250 around 1000; a third of the days in common
places (
    name, actual, low, high, expected_buyers, previous_place, place, again
) as (

    values
    ('in the middle', 1000.0, 800.0, 1250.0, 300.0, 0.0, 0.0, false),
    ('at the lower end', 800.0, 800.0, 1250.0, 300.0, -2.0, -1.0, false),
    ('at the upper end', 1250.0, 800.0, 1250.0, 300.0, 2.0, 1.0, false),
    ('outside again', 700.0, 800.0, 1250.0, 300.0, -1.5, -1.598, true),
    ('outside on the other side', 700.0, 800.0, 1250.0, 300.0, 1.5, -1.598, false),
    ('outside again by little', 770.0, 800.0, 1250.0, 300.0, -1.5, -1.171, false),
    ('nothing came', 0.0, 800.0, 1250.0, 300.0, -1.5, -9.0, true),
    ('returns alone', -5.0, 800.0, 1250.0, 3.0, null, -9.0, null),
    ('two expected, nobody came', 0.0, 800.0, 1250.0, 2.9, -1.5, null, null),
    ('no interval', 900.0, cast('nan' as double), null, 300.0, null, null, null),
    ('low end at nothing', 500.0, 0.0, 1000.0, 300.0, null, 0.0, false),
    ('no width', 7.0, 7.0, 7.0, 300.0, null, 0.0, false),
    ('below without width', 6.0, 7.0, 7.0, 300.0, null, -9.0, null)

),

-- more than 4.5 standard errors, 200 customers, a fifth of the batch, a usual level
segments (
    name, z_against_rest, customers, batch_customers, usual_window_count, expected
) as (

    values
    ('segment fell behind', -4.6, 500, 1000, 1, true),
    ('segment ran ahead', 4.6, 500, 1000, 1, true),
    ('segment at the threshold', -4.5, 500, 1000, 1, false),
    ('segment is just large enough', -4.6, 200, 1000, 1, true),
    ('segment has too few customers', -20.0, 199, 300, 1, null),
    ('segment is too small a part', -20.0, 500, 2501, 1, null),
    ('segment without a usual level', -20.0, 500, 1000, 0, null),
    ('segment without others', null, 500, 500, 1, null),
    ('segment is no number', cast('nan' as double), 500, 500, 1, null)

)

select name
from windows
where
    {{ rmse_breached('rmse', 'baseline_rmse', '0.20') }} is distinct from rmse_expected
    or {{ r2_breached('r2', 'baseline_r2', '0.15') }} is distinct from r2_expected

union all

select name
from windows
where
    name = 'r2 beyond the threshold'
    and abs({{ r2_change('r2', 'baseline_r2') }} + 0.16) > 0.000001
    or name = 'r2 above a negative one'
    and abs({{ r2_change('r2', 'baseline_r2') }} - 0.10) > 0.000001

union all

select expected as name
from verdicts
where
    {{
        drift_verdict(
            'outside', 'breached', 'significant', 'previous_significant', 'is_judged'
        )
    }} <> expected

union all

select name
from places
where
    coalesce(
        abs({{ total_place('actual', 'low', 'high', 'expected_buyers') }} - place)
        > 0.001,
        false
    )
    or ({{ total_place('actual', 'low', 'high', 'expected_buyers') }} is null)
    <> (place is null)
    or ({{ outside_again('place', 'previous_place', '1 / 3') }}) is distinct from again

union all

select name
from segments
where
    {{
        segment_drifted(
            'z_against_rest', 'customers', 'batch_customers', 'usual_window_count'
        )
    }} is distinct from expected
