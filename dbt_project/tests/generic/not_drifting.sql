{# Fails when a champion's newest measurement passed a threshold or is not ok. #}
{% test not_drifting(model, column_name) %}
select
    cutoff,
    model_id,
    {{ column_name }},
from {{ model }}
where
    is_newest_revision
    and role = 'champion'
    and (breached or {{ column_name }} <> 'ok')
{% endtest %}
