{# Fails when a window macro gives a wrong day at a month end or a leap day. #}
{{ config(tags=['macro']) }}

with cases (
    cutoff, history_months, pred_months, history_start, window_start, window_end
) as (

    values
    (
        date '2021-12-31', 9, 6,
        date '2021-04-01', date '2022-01-01', date '2022-06-30'
    ),
    (
        date '2011-02-28', 9, 6,
        date '2010-06-01', date '2011-03-01', date '2011-08-31'
    ),
    (
        date '2012-02-28', 12, 12,
        date '2011-02-28', date '2012-02-29', date '2013-02-27'
    ),
    (
        date '2012-02-29', 12, 12,
        date '2011-03-01', date '2012-03-01', date '2013-02-28'
    ),
    (
        date '2011-08-30', 6, 6,
        date '2011-02-28', date '2011-08-31', date '2012-02-28'
    ),
    (
        date '2011-12-30', 1, 2,
        date '2011-11-30', date '2011-12-31', date '2012-02-28'
    )

)

select
    *,
    {{ history_start('cutoff', 'history_months') }} as found_history_start,
    {{ window_start('cutoff') }} as found_window_start,
    {{ window_end('cutoff', 'pred_months') }} as found_window_end,
from cases
where
    {{ history_start('cutoff', 'history_months') }} <> history_start
    or {{ window_start('cutoff') }} <> window_start
    or {{ window_end('cutoff', 'pred_months') }} <> window_end
