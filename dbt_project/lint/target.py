"""What dbt calls `target`, for sqlfluff, which renders the models without dbt."""

type = "duckdb"
