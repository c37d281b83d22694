{# Fails when a customer of the log has another prediction than in the champion's newest
    batch, or has one without being in that batch.
#}
{% test newest_prediction(model, predictions) %}
with newest as (

    select predictions.*
    from {{ predictions }} as predictions
    inner join {{ champion_batch() }} as champion
        on
            predictions.cutoff = champion.cutoff
            and predictions.model_id = champion.model_id

)

select
    customers.customer_id,
    customers.predicted_clv,
    newest.predicted_clv as expected_clv,
from {{ model }} as customers
left join newest
    on customers.customer_id = newest.customer_id
where
    customers.predicted_clv is distinct from newest.predicted_clv
    or customers.predicted_clv_low is distinct from newest.predicted_clv_low
    or customers.predicted_clv_high is distinct from newest.predicted_clv_high
    or customers.probability_of_purchase
    is distinct from newest.probability_of_purchase
    or customers.window_end is distinct from coalesce(newest.window_end, customers.window_end)
    or (customers.predicted_clv is null) = (customers.why_no_prediction is null)
{% endtest %}
