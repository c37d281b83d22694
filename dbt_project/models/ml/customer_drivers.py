def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("int_customer_features")
    models = dbt.ref("int_scoring_models").filter("role = 'champion'")
    from ml.scoring import explain_customers

    return explain_customers(features.order("customer_id").df(), models.df())
