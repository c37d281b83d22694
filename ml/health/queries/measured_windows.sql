-- measured windows with another number of customers than their batch
with actuals as (

    select
        cutoff,
        model_id,
        count(*) as customers,
    from marts.clv_predictions_actual
    group by
        cutoff,
        model_id

)

select
    windows.cutoff,
    windows.model_id,
    'clv_predictions_actual' as mart,
    coalesce(actuals.customers, 0) as customers,
    batches.customers as customers_of_batch,
from marts.drift_report as windows
inner join marts.clv_batches as batches
    on
        windows.cutoff = batches.cutoff
        and windows.model_id = batches.model_id
left join actuals
    on
        windows.cutoff = actuals.cutoff
        and windows.model_id = actuals.model_id
where
    windows.is_newest_revision
    and coalesce(actuals.customers, 0) <> batches.customers
order by
    windows.cutoff,
    windows.model_id
