{#- its steps are macros: `init` asks the same of files that are not loaded yet -#}
{{
    config(
        materialized='table',
        tags=['load', 'doubts'],
        enabled=target.type == 'duckdb',
    )
}}

-- noqa: disable=ST05
-- each kind of doubt is a subquery
{{ data_doubts(
    ref('stg_transactions'),
    ref('stg_rejected_transactions'),
    source('raw', 'transactions'),
    source('raw', 'files'),
    ref('int_customer_days'),
    doubt_sample(ref('int_customer_days'), source('raw', 'files')),
) }}
