-- the value tiers of a batch, best first
select value_tier
from marts.clv_ranked_predictions
where
    cutoff = $cutoff
    and model_id = $model_id
group by value_tier
order by min(clv_rank)
