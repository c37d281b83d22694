{{ config(materialized='view') }}

{{
    customer_features(
        ref('int_training_samples'), ref('int_customer_days'), sampled=true
    )
}}
