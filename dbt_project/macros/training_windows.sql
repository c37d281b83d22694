{#
    The observation windows that trainings read: for each the scoring window itself
    (months_back 0) and every whole month back from P months on, while the log reaches
    at least `minimum_months` behind it. Their label windows end on or before the training
    cutoff. A fold that replays a training `months_back = k` months ago (k >= P) uses the
    windows with months_back >= k + P, so the list goes on for `training_count` cutoffs
    behind the newest fold.

    training_requests: relation with training_cutoff DATE, history_months and pred_months
    INT, first_day DATE (the log's first day), one row per training. history_start is not
    clipped at first_day; observed_months says how many whole months of the window the log
    covers.
#}
{% macro training_windows(training_requests, training_count=12, minimum_months=3) %}
with training_requests as (

    select
        training_cutoff,
        training_cutoff + 1 as scoring_start,
        history_months,
        pred_months,
        first_day,
    from {{ training_requests }}

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
        requests.*,
        steps.months_back,
        cast(
            requests.scoring_start - to_months(steps.months_back) as date
        ) as window_start,
    from training_requests as requests
    cross join steps
    where
        steps.months_back = 0
        or steps.months_back between requests.pred_months
        and 2 * requests.pred_months + {{ training_count }} - 1

),

measured as (

    select
        stepped.*,
        -- a log that starts within a week of a month's start covers that month
        least(
            stepped.history_months,
            date_sub('month', stepped.first_day - 7, stepped.window_start)
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
    training_cutoff,
from measured
where
    months_back = 0
    or observed_months >= least(history_months, {{ minimum_months }})
order by training_cutoff, history_months, pred_months, months_back
{% endmacro %}
