{#
    The observation windows a training at `cutoff` reads: the scoring window itself
    (months_back 0) and every whole month back from P months on, while the log reaches
    at least `minimum_months` behind the cutoff. Their label windows end on or before
    `cutoff`. A fold that replays a training `months_back = k` months ago (k >= P) uses
    the windows with months_back >= k + P, so the list goes on for
    `training_count` cutoffs behind the newest fold.

    All arguments are SQL expressions: cutoff DATE, history_months and pred_months INT,
    first_day DATE (the log's first day). history_start is not clipped at first_day;
    observed_months says how many whole months of the window the log covers.
#}
{% macro training_windows(
    cutoff, history_months, pred_months, first_day, training_count=12, minimum_months=3
) %}
with settings as (

    select
        cast({{ cutoff }} as date) + 1 as scoring_start,
        cast({{ history_months }} as integer) as history_months,
        cast({{ pred_months }} as integer) as pred_months,
        cast({{ first_day }} as date) as first_day,

),

steps as (

    -- two digits count 0..99: plain joins run on every target
    select tens.digit * 10 + ones.digit as months_back
    from (
        values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)
    ) as tens (digit)
    cross join (
        values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)
    ) as ones (digit)

),

stepped as (

    -- back from the day after the cutoff: month ends stay month ends
    select
        settings.*,
        steps.months_back,
        cast(
            settings.scoring_start - to_months(steps.months_back) as date
        ) as window_start,
    from settings
    cross join steps
    where
        steps.months_back = 0
        or steps.months_back between settings.pred_months
        and 2 * settings.pred_months + {{ training_count }} - 1

),

measured as (

    select
        stepped.*,
        -- a log that starts within a week of a month's start covers that month
        least(
            history_months,
            date_sub('month', first_day - 7, window_start)
        ) as observed_months,
    from stepped

)

select
    window_start - 1 as cutoff,
    history_months,
    pred_months,
    cast(window_start - to_months(history_months) as date) as history_start,
    window_start,
    cast(window_start + to_months(pred_months) as date) - 1 as window_end,
    months_back,
    observed_months,
from measured
where
    months_back = 0
    or observed_months >= least(history_months, {{ minimum_months }})
order by months_back
{% endmacro %}
