"""How good is a forecast, and is it still: metrics, drift, populations, kinds of customers.

Imports libraries only and owns no file.
"""
