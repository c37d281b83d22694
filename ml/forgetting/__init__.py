"""A customer leaves for good: traces are found, then taken out of files, warehouse and outputs.

Imports `ledger` and what is below. Owns no file of its own; rewrites those of others.
"""
