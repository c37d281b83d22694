{# Points at the newest measurements whose threshold was passed or whose verdict is drift. #}
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
