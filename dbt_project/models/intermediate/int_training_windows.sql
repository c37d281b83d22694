{{ config(tags=['train']) }}

{{
    training_windows(
        cutoff_date(),
        '(select history_months from ' ~ ref('stg_model_config') ~ ')',
        '(select pred_months from ' ~ ref('stg_model_config') ~ ')',
        '(select min(activity_date) from ' ~ ref('int_customer_days') ~ ')',
    )
}}
