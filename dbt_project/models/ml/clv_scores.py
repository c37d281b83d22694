def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("int_customer_features")
    models = dbt.ref("int_scoring_models")
    from ml.scoring import by_customer, score_customers

    return by_customer(score_customers, features, models)
