"""One file, one commit: the database, the side copy that replaces it, dbt on it, and its exports.

Imports `home`. Owns `warehouse/clv.duckdb`, `warehouse/.build`, `warehouse/.dbt` and the batches'
files in `warehouse/outputs`.
"""
