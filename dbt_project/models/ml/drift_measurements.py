def model(dbt, session):
    dbt.config(
        materialized="incremental",
        incremental_strategy="append",
        full_refresh=False,
        on_schema_change="append_new_columns",
        tags=["monitor"],
    )
    windows = dbt.ref("clv_predictions_actual")
    model_config = dbt.ref("stg_model_config")
    from ml.pipeline.measuring import measure_windows, not_measured

    if dbt.is_incremental:
        windows = not_measured(session, windows, str(dbt.this))
    return measure_windows(windows, model_config.df())
