def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("int_customer_features")
    scores = dbt.ref("clv_scores")
    models = dbt.ref("int_scoring_models")
    from ml.model.measures.population import READ
    from ml.pipeline.scoring import WINDOW, compare_populations

    features = features.project(", ".join(["customer_id", *WINDOW, *READ]))
    scores = scores.project("customer_id, model_id, predicted_clv")
    return compare_populations(features.join(scores, "customer_id", "inner"), models.df())
