{#
    B is the day after the cutoff. The history window is [B - history_months, B), and
    the label window is [B, B + pred_months), in calendar months. For example, cutoff
    2021-12-31 with 9 and 6 months reads 2021-04-01..2021-12-31 and predicts
    2022-01-01..2022-06-30. Arguments are SQL expressions.
#}
{% macro window_start(cutoff) -%}
cast({{ cutoff }} + 1 as date)
{%- endmacro %}

{% macro history_start(cutoff, history_months) -%}
cast({{ cutoff }} + 1 - to_months({{ history_months }}) as date)
{%- endmacro %}

{% macro window_end(cutoff, pred_months) -%}
cast(cast({{ cutoff }} + 1 + to_months({{ pred_months }}) as date) - 1 as date)
{%- endmacro %}


{# The windows of a relation, each once: trainings and models may share a window. #}
{% macro distinct_windows(relation) -%}
(
    select distinct
        cutoff,
        history_months,
        pred_months,
        history_start,
        window_start,
        window_end,
    from {{ relation }}
) as distinct_windows
{%- endmacro %}


{#
    Whether a time is on one of the days first_day..last_day. The condition is on the
    time itself, not on its day, so that a scan can skip rows. It ends with year 9999,
    because the last day that a timestamp can hold has no next day.
#}
{% macro falls_on(time, first_day, last_day) -%}
(
    {{ time }} >= cast({{ first_day }} as timestamp)
    and {{ time }} < cast(least({{ last_day }}, date '9999-12-31') + 1 as timestamp)
)
{%- endmacro %}
