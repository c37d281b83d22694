-- the figures behind the names of a batch's clusters
select
    cluster_id,
    behaviour,
    cluster_median,
    overall_median,
from marts.clv_cluster_behaviour
where
    cutoff = $cutoff
    and model_id = $model_id
order by
    cluster_id,
    behaviour
