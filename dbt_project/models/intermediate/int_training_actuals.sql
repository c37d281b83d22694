{{ config(materialized='view', tags=['train']) }}

{{
    customer_actuals(
        distinct_windows(ref('int_training_windows')), ref('int_customer_days')
    )
}}
