def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("int_customer_features")
    scores = dbt.ref("clv_scores")
    models = dbt.ref("int_scoring_models")
    from ml.scoring import COMPARED, compare_populations, open_models

    features = features.project(", ".join(COMPARED))
    scores = scores.project("customer_id, model_id, predicted_clv")
    models = open_models(models.df())
    return compare_populations(features.order("customer_id").df(), scores.df(), models)
