{# Words for days since a customer's first order in the whole log; NULL stays NULL. #}
{% macro tenure_band(customer_age_days) -%}
case
    when {{ customer_age_days }} <= 90 then 'first order 0 to 90 days ago'
    when {{ customer_age_days }} <= 180 then 'first order 91 to 180 days ago'
    when {{ customer_age_days }} <= 365 then 'first order 181 to 365 days ago'
    when {{ customer_age_days }} > 365 then 'first order over 365 days ago'
end
{%- endmacro %}


{#
    A DOUBLE as text. It becomes DECIMAL first, because two engines may round the half
    of a DOUBLE in different directions.
#}
{% macro rounded_text(value, digits) -%}
{%- set finer = 'decimal(38, ' ~ ([digits + 4, 6] | max) ~ ')' -%}
format(
    '{:,.{{ digits }}f}',
    cast(cast(cast({{ value }} as {{ finer }}) as decimal(38, {{ digits }})) as double)
)
{%- endmacro %}


{# Lower or upper half of the batch; the median itself belongs to the lower half. #}
{% macro half(value, edge, digits, unit='', mark="''") -%}
case
    when {{ value }} <= {{ edge }}
        then 'up to ' || {{ mark }} || {{ rounded_text(edge, digits) }} || '{{ unit }}'
    when {{ value }} > {{ edge }}
        then 'over ' || {{ mark }} || {{ rounded_text(edge, digits) }} || '{{ unit }}'
end
{%- endmacro %}


{# Quarter of the batch, by three edges; an edge belongs to the quarter below it. #}
{% macro quarter(value, edges, digits=2, mark="''") -%}
{%- set first, second, third = edges ~ '[1]', edges ~ '[2]', edges ~ '[3]' -%}
case
    when {{ value }} <= {{ first }}
        then 'lowest quarter (up to '
            || {{ mark }} || {{ rounded_text(first, digits) }} || ')'
    when {{ value }} <= {{ second }}
        then 'second quarter (' || {{ mark }} || {{ rounded_text(first, digits) }}
            || ' to ' || {{ mark }} || {{ rounded_text(second, digits) }} || ')'
    when {{ value }} <= {{ third }}
        then 'third quarter (' || {{ mark }} || {{ rounded_text(second, digits) }}
            || ' to ' || {{ mark }} || {{ rounded_text(third, digits) }} || ')'
    when {{ value }} > {{ third }}
        then 'highest quarter (over '
            || {{ mark }} || {{ rounded_text(third, digits) }} || ')'
end
{%- endmacro %}


{# Number of the quarter, 1 = lowest. #}
{% macro quarter_number(value, edges) -%}
case
    when {{ value }} <= {{ edges }}[1] then '1'
    when {{ value }} <= {{ edges }}[2] then '2'
    when {{ value }} <= {{ edges }}[3] then '3'
    else '4'
end
{%- endmacro %}
