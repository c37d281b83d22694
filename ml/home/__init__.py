"""Where things are and what may be set: layout, config, errors, files, days.

Every package may import this one; it imports none of them.
Owns `config/model_config.yaml`.
"""
