{{ config(materialized='view', tags=['train']) }}

{{ customer_actuals(ref('int_training_windows'), ref('int_customer_days')) }}
