"""Pages for people: the report, one customer's facts, dbt's docs.

Imports `warehouse`, `model` and `home`. Owns `outputs/report.html`.
"""
