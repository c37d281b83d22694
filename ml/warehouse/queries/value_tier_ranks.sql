-- clv_ranked_predictions of an earlier version gets the numbers of its tiers; they
-- follow from the ranks, because the config of then may be gone
alter table marts.clv_ranked_predictions add column value_tier_rank integer;

update marts.clv_ranked_predictions
set value_tier_rank = tiers.value_tier_rank
from (
    select
        cutoff,
        model_id,
        value_tier,
        row_number() over (
            partition by cutoff, model_id order by min(clv_rank)
        ) as value_tier_rank,
    from marts.clv_ranked_predictions
    group by
        cutoff,
        model_id,
        value_tier
) as tiers
where
    clv_ranked_predictions.cutoff = tiers.cutoff
    and clv_ranked_predictions.model_id = tiers.model_id
    and clv_ranked_predictions.value_tier = tiers.value_tier;
