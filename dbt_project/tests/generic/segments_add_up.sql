{# Fails when the segments of a kind together have more customers than the measured
    window, or more than all of its squared error. Deciles must have all customers.
#}
{% test segments_add_up(model) %}
with kinds as (

    select
        cutoff,
        model_id,
        revision,
        segment_kind,
        sum(customers) as customers,
        sum(squared_error_share) as squared_error_share,
    from {{ model }}
    group by all

)

select kinds.*
from kinds
inner join {{ ref('drift_measurements') }} as measurements
    on
        kinds.cutoff = measurements.cutoff
        and kinds.model_id = measurements.model_id
        and kinds.revision = measurements.revision
where
    kinds.customers > measurements.customers
    or kinds.segment_kind = 'prediction decile'
    and kinds.customers <> measurements.customers
    or kinds.squared_error_share > 1.000001
{% endtest %}
