def model(dbt, session):
    dbt.config(materialized="table")
    scores = dbt.ref("clv_scores")
    models = dbt.ref("int_scoring_models")
    from ml.pipeline.scoring import predict_totals

    # DECIMAL, because a sum of DOUBLE depends on the order of its rows
    sums = scores.aggregate(
        "cutoff, model_id, count(*) as customers,"
        " cast(sum(cast(predicted_clv as decimal(38, 8))) as double) as predicted_total,"
        " cast(sum(cast(predicted_clv_variance as decimal(38, 8))) as double) as predicted_variance"
    )
    return predict_totals(sums.order("model_id").df(), models.df())
