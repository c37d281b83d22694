def model(dbt, session):
    dbt.config(materialized="table", tags=["training"])
    examples = dbt.ref("int_training_examples")
    monthly_revenue = dbt.ref("int_monthly_revenue")
    fingerprints = dbt.ref("int_day_fingerprints")
    from ml.pipeline.training import train_champion

    return train_champion(
        examples.order("cutoff, customer_id").df(),
        monthly_revenue.order("month").df(),
        fingerprints.order("activity_date").df(),
    )
