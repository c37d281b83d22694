{# Fails when a value is below `least`, above `most`, NaN or infinite. #}
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
