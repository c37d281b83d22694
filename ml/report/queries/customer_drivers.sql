-- why a customer's prediction is what it is, the strongest driver first
select
    driver_rank,
    driver_name,
    driver_value,
    driver_factor,
    driver_text,
from marts.clv_drivers
where
    customer_id = $customer_id
    and cutoff = $cutoff
    and model_id = $model_id
order by driver_rank
