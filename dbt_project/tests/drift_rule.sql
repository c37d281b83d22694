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
    ('r2 undefined', 10.0, 10.0, null, 0.50, false, false)

),

verdicts (breached, significant, previous_significant, expected) as (

    values
    (false, false, null, 'ok'),
    (false, false, true, 'ok'),
    (true, false, true, 'breach'),
    (true, true, null, 'drift'),
    (false, true, false, 'drift'),
    (false, true, true, 'sustained drift'),
    (true, true, true, 'sustained drift')

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
    ('segment has too few customers', -20.0, 199, 300, 1, false),
    ('segment is too small a part', -20.0, 500, 2501, 1, false),
    ('segment without a usual level', -20.0, 500, 1000, 0, false),
    ('segment without others', null, 500, 500, 1, false)

)

select name
from windows
where
    {{ rmse_breached('rmse', 'baseline_rmse', '0.20') }} <> rmse_expected
    or {{ r2_breached('r2', 'baseline_r2', '0.15') }} <> r2_expected

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
    {{ drift_verdict('breached', 'significant', 'previous_significant') }} <> expected

union all

select name
from segments
where
    {{
        segment_drifted(
            'z_against_rest', 'customers', 'batch_customers', 'usual_window_count'
        )
    }} <> expected
