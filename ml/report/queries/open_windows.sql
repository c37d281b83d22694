-- early warnings of the champions' open windows by indicator, with what moved most
select
    warnings.cutoff,
    warnings.model_id,
    warnings.window_start,
    warnings.window_end,
    warnings.indicator,
    count(*) as looked_at,
    count(*) filter (where warnings.level in ('watch', 'alarm')) as moved,
    max_by(
        struct_pack(
            value := warnings.value,
            reference := warnings.reference,
            distance := warnings.distance,
            watch_at := warnings.watch_at,
            level := warnings.level,
            feature := warnings.feature,
            reason := warnings.reason
        ),
        (
            coalesce(warnings.distance, 0) / nullif(warnings.watch_at, 0),
            warnings.feature
        )
    ) as worst,
from marts.early_warnings as warnings
inner join marts.batch_windows as batches
    on
        warnings.cutoff = batches.cutoff
        and warnings.model_id = batches.model_id
where
    warnings.role = 'champion'
    and not batches.has_matured
group by
    warnings.cutoff,
    warnings.model_id,
    warnings.window_start,
    warnings.window_end,
    warnings.indicator
order by
    warnings.cutoff,
    warnings.model_id,
    warnings.indicator
