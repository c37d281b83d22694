{{ config(materialized='view', tags=['train']) }}

{{
    customer_features(
        distinct_windows(ref('int_training_windows')), ref('int_customer_days')
    )
}}
