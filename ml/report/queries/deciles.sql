-- a measured window by tenths of its customers, the highest predictions first
select
    cast(segment as integer) as decile,
    customers,
    predicted_total / customers as predicted,
    actual_total / customers as actual,
from marts.drift_segments
where
    segment_kind = 'prediction decile'
    and cutoff = $cutoff
    and model_id = $model_id
    and revision = $revision
order by decile
