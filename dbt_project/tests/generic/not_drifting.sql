{# Fails when a champion's newest measurement is a breach or a drift. #}
{% test not_drifting(model, column_name) %}
select
    cutoff,
    model_id,
    {{ column_name }},
from {{ model }}
where
    is_newest_revision
    and role = 'champion'
    and {{ is_alerting(column_name) }}
{% endtest %}
