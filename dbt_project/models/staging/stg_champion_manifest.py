def model(dbt, session):
    dbt.config(materialized="table", tags=["ledger"])
    from ml.registry import manifest_frame

    return manifest_frame()
