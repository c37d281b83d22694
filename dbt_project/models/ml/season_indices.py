def model(dbt, session):
    dbt.config(materialized="table", tags=["monitor"])
    batches = dbt.ref("clv_batches")
    from ml.pipeline.measuring import season_indices

    return season_indices(batches.aggregate("model_id").order("model_id").df())
