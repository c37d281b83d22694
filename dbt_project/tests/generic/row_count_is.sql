{# Fails when the table does not have exactly `rows` rows. #}
{% test row_count_is(model, rows) %}
select count(*) as row_count
from {{ model }}
having count(*) <> {{ rows }}
{% endtest %}
