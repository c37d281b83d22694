-- what the champions' open windows warn of, alarms first
select
    warnings.cutoff,
    warnings.model_id,
    warnings.indicator,
    warnings.feature,
    warnings.value,
    warnings.level,
    warnings.reason,
from marts.early_warnings as warnings
inner join marts.batch_windows as batches
    on
        warnings.cutoff = batches.cutoff
        and warnings.model_id = batches.model_id
where
    warnings.level in ('watch', 'alarm')
    and warnings.role = 'champion'
    and not batches.has_matured
order by
    warnings.cutoff,
    warnings.model_id,
    warnings.level,
    warnings.indicator,
    warnings.feature
