{{ config(materialized='view') }}

{{
    customer_actuals(
        ref('int_training_samples'), ref('int_customer_days'), sampled=true
    )
}}
