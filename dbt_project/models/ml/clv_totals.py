def model(dbt, session):
    dbt.config(materialized="table")
    scores = dbt.ref("clv_scores")
    models = dbt.ref("int_scoring_models")
    from ml.scoring import predict_totals

    scores = scores.order("model_id, customer_id")
    return predict_totals(
        scores.project("model_id, predicted_clv, predicted_clv_variance").df(), models.df()
    )
