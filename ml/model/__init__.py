"""The mathematics: frames in, frames out, randomness from a seed argument.

`champion` decides which forecast serves and freezes it; below it lie `forecast` (what a customer
will spend) and `measures` (how good a forecast is). Imports libraries only and owns no file.
"""
