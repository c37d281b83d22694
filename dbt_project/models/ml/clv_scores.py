def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("int_customer_features")
    models = dbt.ref("int_scoring_models")
    from ml.pipeline.scoring import score_relation

    return score_relation(session, features, models)
