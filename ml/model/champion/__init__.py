"""Which forecast serves, and what is frozen with it: rivals, gate, replays, the champion.

Imports `forecast` and `measures`; owns no file.
"""
