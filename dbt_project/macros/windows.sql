{#
    With B = the day after the cutoff, a history window is [B - history_months, B) and a
    label window [B, B + pred_months), in calendar months. Arguments are SQL expressions.
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


{# The windows of a relation, each once: trainings and models share windows. #}
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
    Whether a time lies on the days first..last: of the time itself, which a scan can skip rows
    by. No day after year 9999: the last one a timestamp can hold has no next day.
#}
{% macro falls_on(time, first_day, last_day) -%}
(
    {{ time }} >= cast({{ first_day }} as timestamp)
    and {{ time }} < cast(least({{ last_day }}, date '9999-12-31') + 1 as timestamp)
)
{%- endmacro %}
