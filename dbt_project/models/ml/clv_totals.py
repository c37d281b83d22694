def model(dbt, session):
    dbt.config(materialized="table")
    scores = dbt.ref("clv_scores")
    models = dbt.ref("int_scoring_models")
    from ml.pipeline.scoring import exact_sums, predict_totals

    largest = scores.aggregate("max(predicted_clv) as largest").df()["largest"].iloc[0]
    sums = scores.aggregate(f"cutoff, model_id, count(*) as customers, {exact_sums(largest)}")
    return predict_totals(sums.order("model_id").df(), models.df())
