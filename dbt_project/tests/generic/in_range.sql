{# Fails when a value lies outside [least, most], or is NaN. #}
{% test in_range(model, column_name, least=none, most=none) %}
select {{ column_name }}
from {{ model }}
where
    cast({{ column_name }} as double) in (
        cast('NaN' as double), cast('Infinity' as double), cast('-Infinity' as double)
    )
    {%- if least is not none %}
    or {{ column_name }} < {{ least }}
    {%- endif %}
    {%- if most is not none %}
    or {{ column_name }} > {{ most }}
    {%- endif %}
{% endtest %}
