{#
    The rule of early warnings: watch above the first limit, alarm above the second. All
    arguments are SQL expressions. When the distance or a limit is not known, that cannot
    be told: it is neither a warning nor ok.
#}
{% macro warning_level(distance, watch_at, alarm_at) -%}
case
    when {{ known(distance) }} > {{ known(alarm_at) }} then 'alarm'
    when {{ known(distance) }} > {{ known(watch_at) }} then 'watch'
    when {{ known(distance) }} <= {{ known(watch_at) }} then 'ok'
    else 'cannot be told'
end
{%- endmacro %}


{#
    Limits by indicator, as rows of VALUES (indicator, watch_at, alarm_at). They are
    limits of a population stability index, or of a difference of two shares.
    revenue_so_far is not in the list: its limits follow from the interval of the total.
#}
{% macro warning_limits() -%}
values
('feature_shift', 0.10, 0.25),
('score_shift', 0.10, 0.25),
('new_customer_share', 0.10, 0.20),
('top_five_revenue_share', 0.10, 0.20),
('return_rate', 0.02, 0.05)
{%- endmacro %}


{#
    Distance |log(actual / expected)| of the total that is usual after a share of the
    window. It comes from the 80 % interval of the total. It is larger early in the
    window: after a quarter of it, twice that of the whole window.
#}
{% macro usual_log_distance(total_low, total_high, elapsed_share) -%}
ln({{ total_high }} / nullif({{ total_low }}, 0)) / 2 / sqrt({{ elapsed_share }})
{%- endmacro %}
