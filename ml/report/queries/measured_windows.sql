-- measured windows of the champions, oldest first; a segment is named where something
-- is wrong
select
    * replace (
        case
            when verdict not in ('ok', 'cannot be told') then segment_kind
        end as segment_kind,
        case when verdict not in ('ok', 'cannot be told') then segment end as segment
    ),
from marts.drift_report
where
    is_newest_revision
    and role = 'champion'
order by
    cutoff,
    model_id
