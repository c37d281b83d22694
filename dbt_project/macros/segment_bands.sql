{# Words for a customer's tenure in the history window; NULL stays NULL. #}
{% macro tenure_band(tenure_days) -%}
case
    when {{ tenure_days }} <= 90 then 'tenure 0 to 90 days'
    when {{ tenure_days }} <= 180 then 'tenure 91 to 180 days'
    when {{ tenure_days }} <= 365 then 'tenure 181 to 365 days'
    when {{ tenure_days }} > 365 then 'tenure over 365 days'
end
{%- endmacro %}


{# Below or above the middle of the batch; the middle itself belongs below. #}
{% macro half(value, edge, form) -%}
case
    when {{ value }} <= {{ edge }} then 'up to ' || printf({{ form }}, {{ edge }})
    when {{ value }} > {{ edge }} then 'over ' || printf({{ form }}, {{ edge }})
end
{%- endmacro %}


{# Quarter of the batch by its three edges; an edge belongs to the quarter below it. #}
{% macro quarter(value, edges) -%}
case
    when {{ value }} <= {{ edges }}[1]
        then printf('lowest quarter (up to %.2f)', {{ edges }}[1])
    when {{ value }} <= {{ edges }}[2]
        then printf('second quarter (%.2f to %.2f)', {{ edges }}[1], {{ edges }}[2])
    when {{ value }} <= {{ edges }}[3]
        then printf('third quarter (%.2f to %.2f)', {{ edges }}[2], {{ edges }}[3])
    when {{ value }} > {{ edges }}[3]
        then printf('highest quarter (over %.2f)', {{ edges }}[3])
end
{%- endmacro %}


{# Number of that quarter, 1 = lowest. #}
{% macro quarter_number(value, edges) -%}
case
    when {{ value }} <= {{ edges }}[1] then '1'
    when {{ value }} <= {{ edges }}[2] then '2'
    when {{ value }} <= {{ edges }}[3] then '3'
    else '4'
end
{%- endmacro %}
