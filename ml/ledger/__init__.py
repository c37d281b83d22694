"""Which models there were: manifest, artefacts, cards, provenance, retention, reproduction.

Imports `delivery`, `warehouse` and `home`. Owns `warehouse/models` and `warehouse/purge_log.csv`.
"""
