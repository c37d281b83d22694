-- measured windows of the champions, oldest first; a segment is named unless all is ok
select
    * replace (
        case when verdict <> 'ok' then segment_kind end as segment_kind,
        case when verdict <> 'ok' then segment end as segment
    ),
from marts.drift_report
where
    is_newest_revision
    and role = 'champion'
order by
    cutoff,
    model_id
