-- a batch counts the customers who are left in it
with gone as (

    select
        cutoff,
        model_id,
        count(*) as customers,
    from marts.clv_predictions
    where customer_id in (select customer_id from forgotten)
    group by
        cutoff,
        model_id

)

update marts.clv_batches as batches
set customers = batches.customers - gone.customers
from gone
where
    batches.cutoff = gone.cutoff
    and batches.model_id = gone.model_id
