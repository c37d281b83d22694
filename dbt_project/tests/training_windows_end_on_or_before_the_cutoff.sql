{# Fails when a training at a month end reads a window not whole months back, or says
    that it knows the labels of a window that ends after the training cutoff.
#}
{{ config(tags=['macro']) }}

{% set request %}
    (
        select
            date '2012-05-30' as training_cutoff,
            6 as history_months,
            3 as pred_months,
            date '2011-08-31' as first_day
    ) as request
{% endset %}
with found as (

    select
        months_back,
        cutoff,
        history_start,
        window_end,
        observed_months,
        is_label_known,
    from (
        {{ training_windows(request) }}
    ) as windows

),

expected (
    months_back, cutoff, history_start, window_end, observed_months, is_label_known
) as (

    values
    (0, date '2012-05-30', date '2011-11-30', date '2012-08-30', 6, false),
    (3, date '2012-02-28', date '2011-08-29', date '2012-05-28', 6, true),
    (4, date '2012-01-30', date '2011-07-31', date '2012-04-29', 5, true),
    (5, date '2011-12-30', date '2011-06-30', date '2012-03-30', 4, true),
    (6, date '2011-11-29', date '2011-05-30', date '2012-02-28', 3, true)

)

(
    select
        months_back,
        cutoff,
        history_start,
        window_end,
        observed_months,
        is_label_known,
    from found
    except
    select
        months_back,
        cutoff,
        history_start,
        window_end,
        observed_months,
        is_label_known,
    from expected
)
union all
(
    select
        months_back,
        cutoff,
        history_start,
        window_end,
        observed_months,
        is_label_known,
    from expected
    except
    select
        months_back,
        cutoff,
        history_start,
        window_end,
        observed_months,
        is_label_known,
    from found
)
