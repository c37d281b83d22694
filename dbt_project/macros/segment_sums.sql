{#
    A sum of DOUBLE depends on the order in which rows arrive. So each value is rounded
    to a DECIMAL first, and the sum is the same on every machine. It has eight decimals
    for money with four. Squares of money with more need twice as many more.
#}
{% macro exact_sum(value) -%}
cast(sum(cast({{ value }} as decimal(38, {{ [2 * money_decimals(), 8] | max }}))) as double)
{%- endmacro %}


{#
    Level: actual / predicted from weighted sums; above 0, so its logarithm exists. It is
    NULL where nothing was predicted (greatest() alone would leave NULL out).
#}
{% macro weighted_level(actual, predicted) -%}
case
    when {{ predicted }} > 0 then greatest({{ actual }} / {{ predicted }}, 0.01)
end
{%- endmacro %}


{#
    Squared standard error of the logarithm of a weighted_level(), from the weighted
    moments of actual and predicted (delta method, residuals of customers independent).
#}
{% macro level_variance(level, predicted, actual_2, actual_predicted, predicted_2) -%}
greatest(
    {{ actual_2 }}
    - 2 * {{ level }} * {{ actual_predicted }}
    + {{ level }} * {{ level }} * {{ predicted_2 }},
    0
) / nullif({{ level }} * {{ predicted }}, 0) / nullif({{ level }} * {{ predicted }}, 0)
{%- endmacro %}
