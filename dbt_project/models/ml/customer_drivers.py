def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("int_customer_features")
    models = dbt.ref("int_scoring_models").filter("role = 'champion'")
    from ml.scoring import by_customer, explain_customers

    return by_customer(explain_customers, features, models)
