def model(dbt, session):
    dbt.config(materialized="table", tags=["config"])
    from ml.pipeline.frames import config_frame

    return config_frame()
