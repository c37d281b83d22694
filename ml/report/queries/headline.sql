-- one row: the typical customer and the expected buyers of a batch
select
    median(predicted_clv) as median_clv,
    cast(
        sum(cast(probability_of_purchase as decimal(18, 9))) as double
    ) as expected_buyers,
from marts.clv_predictions
where
    cutoff = $cutoff
    and model_id = $model_id
