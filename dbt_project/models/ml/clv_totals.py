def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("int_customer_features")
    from ml.scoring import predict_total

    return predict_total(features.order("customer_id").df())
