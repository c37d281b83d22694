-- measured windows of the champions, oldest first, with their value tiers; a segment is
-- named where something is wrong
with tiers as (

    select
        cutoff,
        model_id,
        revision,
        list(distinct segment) as value_tiers,
    from marts.drift_segments
    where segment_kind = 'value tier'
    group by
        cutoff,
        model_id,
        revision

)

select
    reports.* replace (
        case
            when reports.verdict not in ('ok', 'cannot be told')
                then reports.segment_kind
        end as segment_kind,
        case
            when reports.verdict not in ('ok', 'cannot be told') then reports.segment
        end as segment
    ),
    coalesce(tiers.value_tiers, []) as value_tiers,
from marts.drift_report as reports
left join tiers
    on
        reports.cutoff = tiers.cutoff
        and reports.model_id = tiers.model_id
        and reports.revision = tiers.revision
where
    reports.is_newest_revision
    and reports.role = 'champion'
order by
    reports.cutoff,
    reports.model_id
