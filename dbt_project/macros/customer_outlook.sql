{#
    The risk that a customer does not come back in the label window, in a word, by the
    probability of a purchase. These are the only limits; NULL stays NULL.
#}
{% macro return_risk(probability) -%}
case
    when {{ probability }} >= 2.0 / 3 then 'low'
    when {{ probability }} >= 1.0 / 3 then 'medium'
    when {{ probability }} < 1.0 / 3 then 'high'
end
{%- endmacro %}


{#
    The day by which a customer is as likely as not to have ordered again. If p is the
    probability of an order within w days, and orders come at a constant rate, then the
    time to the next one is exponential, and its median is w * ln(1/2) / ln(1 - p) days.
    For example, 0.75 within 90 days is 0.5 within 45 days. It is NULL below 0.5: the
    median is then after the window, of which nothing is predicted.

    A constant rate has no memory: after an order since the cutoff the days count from
    that order.
#}
{% macro next_order_date(cutoff, window_end, last_order_date, probability) -%}
case
    when {{ probability }} >= 0.5
        then cast(
            greatest({{ cutoff }}, {{ last_order_date }})
            -- certainty has no logarithm
            + cast(
                ceil(
                    date_diff('day', {{ cutoff }}, {{ window_end }})
                    * ln(0.5) / ln(1 - least({{ probability }}, 0.999999))
                ) as integer
            ) as date
        )
end
{%- endmacro %}


{# How many tiers a customer moved: `up 1`, `down 3` or `same`. 1 is the best tier. #}
{% macro tier_movement(rank_before, rank_now) -%}
case
    when {{ rank_now }} = {{ rank_before }} then 'same'
    when {{ rank_now }} < {{ rank_before }}
        then 'up ' || cast({{ rank_before }} - {{ rank_now }} as varchar)
    when {{ rank_now }} > {{ rank_before }}
        then 'down ' || cast({{ rank_now }} - {{ rank_before }} as varchar)
end
{%- endmacro %}
