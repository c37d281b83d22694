"""How good is a forecast, and is it still: metrics, bootstrap, drift, populations, kinds.

Imports libraries only and owns no file.
"""
