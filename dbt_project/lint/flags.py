"""What dbt calls `flags`, for sqlfluff, which renders the models without dbt."""

WHICH = "compile"
