-- batches whose customers have another prediction in a mart than in clv_predictions
with copies as (

    select
        'clv_ranked_predictions' as mart,
        cutoff,
        model_id,
        customer_id,
        predicted_clv,
    from marts.clv_ranked_predictions

    union all

    select
        'clv_predictions_actual' as mart,
        cutoff,
        model_id,
        customer_id,
        predicted_clv,
    from marts.clv_predictions_actual

)

select
    copies.cutoff,
    copies.model_id,
    copies.mart,
    count(*) as customers,
from copies
left join marts.clv_predictions as predictions
    on
        copies.cutoff = predictions.cutoff
        and copies.model_id = predictions.model_id
        and copies.customer_id = predictions.customer_id
where predictions.predicted_clv is distinct from copies.predicted_clv
group by
    copies.cutoff,
    copies.model_id,
    copies.mart
order by
    copies.cutoff,
    copies.model_id,
    copies.mart
