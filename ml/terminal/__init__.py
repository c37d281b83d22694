"""How results look on a screen: words, tables and progress.

Imports the results of every package; only `orchestrate.py` imports it. Owns no file.
"""
