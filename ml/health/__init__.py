"""What is wrong with a home, and what to type: the checks of `doctor`.

Imports `ledger` and what is below. Owns no file and changes none.
"""
