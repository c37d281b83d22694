{# Fails when a text is not of the form that the regular expression describes. #}
{% test matches(model, column_name, pattern) %}
select {{ column_name }}
from {{ model }}
where not regexp_matches({{ column_name }}, '^({{ pattern }})$')
{% endtest %}
