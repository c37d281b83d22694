{# Fails when a training example has a label that ends after the training cutoff. #}
{% test no_label_from_the_future(model) %}
select
    cutoff,
    pred_months,
from {{ model }}
where
    actual_clv is not null
    and {{ window_end('cutoff', 'pred_months') }} > training_cutoff
{% endtest %}
