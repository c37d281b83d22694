"""What if: trainings on a side copy that is never published, for tune, backtest and compare.

Imports `life` and what is below. Owns `outputs/grid_search` and `outputs/backtest`.
"""
