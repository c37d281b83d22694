{{ config(materialized='view', tags=['train']) }}

-- trainings share windows: each is computed once
{% set distinct_windows %}
    (
        select distinct
            cutoff,
            history_months,
            pred_months,
            history_start,
            window_start,
            window_end,
        from {{ ref('int_training_windows') }}
    ) as distinct_windows
{% endset %}
{{ customer_features(distinct_windows, ref('int_customer_days')) }}
