def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("int_customer_features")
    models = dbt.ref("int_scoring_models").filter("role = 'champion'")
    from ml.scoring import assign_clusters, by_customer

    return by_customer(assign_clusters, features, models)
