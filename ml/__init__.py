"""Predictions, clusters and the ledger of the CLV engine: frames in, frames out."""
