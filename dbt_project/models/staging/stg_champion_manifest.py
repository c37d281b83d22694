def model(dbt, session):
    dbt.config(materialized="table", tags=["ledger"])
    from ml.pipeline.frames import manifest_frame

    return manifest_frame()
