def model(dbt, session):
    dbt.config(materialized="table")
    from ml.pipeline.frames import config_frame

    return config_frame()
