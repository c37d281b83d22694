"""What will a customer spend: purchase models, season, blend, trees, intervals, drivers, clusters.

Imports libraries only and owns no file.
"""
