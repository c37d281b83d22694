"""What dbt's Python models call: train, score, measure, and the frames of config and ledger.

Imports everything below and is imported by no package: dbt calls it, and names the home in the
environment (CLV_HOME). Owns no file.
"""
