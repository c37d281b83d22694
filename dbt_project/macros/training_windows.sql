{#
    The observation windows that trainings read. P is pred_months.

    A training reads the window of its own cutoff (months_back 0), and windows that
    begin whole months earlier: P months, P + 1 months, and so on. So each of their
    label windows ends on or before the training cutoff. The log must hold at least
    `minimum_months` of history for a window.

    A replay repeats a training as it was k months ago (k >= P). It reads only the
    windows with months_back >= k + P. So the list goes on for `training_count` cutoffs
    before the newest replay. For example, with P = 3 it has months_back 0 and 3 to 17.

    is_label_known says whether a label window ends on or before the training cutoff.
    If not, the training must not read its labels.

    training_requests: relation with training_cutoff DATE, history_months and
    pred_months INT, first_day DATE (the log's first day), one row per training.
    history_start may be before first_day; observed_months says how many whole months of
    the window the log covers.
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

    select cast(step as integer) as months_back
    from (
        select unnest(generate_series(0, 99)) as step
    ) as counted

),

stepped as (

    -- counted back from the day after the cutoff, so that month ends stay month ends
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
        -- a log that starts in the first week of a month counts as covering that month
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
    window_end <= training_cutoff as is_label_known,
from measured
where
    months_back = 0
    or observed_months >= least(history_months, {{ minimum_months }})
order by training_cutoff, history_months, pred_months, months_back
{% endmacro %}
