def model(dbt, session):
    dbt.config(materialized="table", tags=["monitor", "verdicts"])
    from ml.pipeline.frames import currency_frame

    return currency_frame()
