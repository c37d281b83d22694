"""Files in: find, read, check and load them, guess their columns, and leave out who was forgotten.

Imports `warehouse` and `home`. Owns schema `raw`, `warehouse/tombstones.json` and the lines landed
for Spark.
"""
