"""Who is told of a drift: facts, page, picture, and delivery to Jira and apprise.

Imports `ledger` and what is below. Owns `outputs/drift_alert_*` and `warehouse/alerts.json`.
"""
