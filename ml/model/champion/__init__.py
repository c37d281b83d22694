"""Which forecast serves, and what is frozen with it: rivals, replays, gate, card, champion.

Imports `forecast` and `measures`; owns no file.
"""
