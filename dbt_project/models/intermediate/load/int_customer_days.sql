{{
    config(
        materialized='incremental' if target.type == 'duckdb' else 'table',
        incremental_strategy='delete+insert',
        unique_key='activity_date',
        post_hook="{{ build_other_parts() }}",
    )
}}

{%- set parts = parts_to_build(ref('int_days_to_build')) %}

{{ customer_days(ref('stg_transactions'), parts[0] if parts else parts) }}
