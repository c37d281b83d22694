"""The life of a run: open a home, load, train, score, measure, publish, export, alert.

Imports everything below. Owns no file of its own.
"""
