{#
    The rule of early warnings, over numbers: watch beyond the first limit, alarm beyond
    the second. All arguments are SQL expressions; an unknown distance warns of nothing.
#}
{% macro warning_level(distance, watch_at, alarm_at) -%}
case
    when coalesce({{ distance }} > {{ alarm_at }}, false) then 'alarm'
    when coalesce({{ distance }} > {{ watch_at }}, false) then 'watch'
    else 'ok'
end
{%- endmacro %}


{#
    Limits by indicator, as rows of VALUES (indicator, watch_at, alarm_at): an index of
    population stability, or a difference of two shares. revenue_so_far has none: its
    limits follow from the interval of the total.
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
    Log distance of the total that is usual after a share of the window, from the ends of
    the total's 80 % interval: what has come so far scatters more than the whole.
#}
{% macro usual_log_distance(total_low, total_high, elapsed_share) -%}
ln({{ total_high }} / nullif({{ total_low }}, 0)) / 2 / sqrt({{ elapsed_share }})
{%- endmacro %}
