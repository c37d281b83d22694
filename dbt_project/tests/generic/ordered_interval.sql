{# Fails when a prediction is outside its own interval. #}
{% test ordered_interval(model) %}
select
    predicted_clv_low,
    predicted_clv,
    predicted_clv_high,
from {{ model }}
where not (predicted_clv_low <= predicted_clv and predicted_clv <= predicted_clv_high)
{% endtest %}
