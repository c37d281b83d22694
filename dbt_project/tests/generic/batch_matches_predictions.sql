{# Fails when the number of customers or the windows of a batch differ from those in
    clv_predictions.
#}
{% test batch_matches_predictions(model) %}
with predictions as (

    select
        cutoff,
        model_id,
        window_start,
        window_end,
        count(*) as customers,
    from {{ ref('clv_predictions') }}
    group by all

)

select batches.*
from {{ model }} as batches
left join predictions
    on
        batches.cutoff = predictions.cutoff
        and batches.model_id = predictions.model_id
        and batches.window_start = predictions.window_start
        and batches.window_end = predictions.window_end
        and batches.customers = predictions.customers
where predictions.cutoff is null
{% endtest %}
