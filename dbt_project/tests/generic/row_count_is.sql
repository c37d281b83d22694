{# Fails when the table does not hold exactly `rows` rows. #}
{% test row_count_is(model, rows) %}
select count(*) as row_count
from {{ model }}
having count(*) <> {{ rows }}
{% endtest %}
