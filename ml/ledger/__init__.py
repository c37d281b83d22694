"""Which models there were: manifest, artefacts, cards, provenance, retention, reproduction.

Imports `delivery`, `warehouse`, `home` and `model`; owns `warehouse/models` and
`warehouse/purge_log.csv`.
"""
