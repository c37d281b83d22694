"""What dbt's Python models call: train, score, measure, and the frames of config and ledger.

Imports everything below and is imported by no package. dbt passes nothing but its refs to a Python
model, so these functions find the home in the environment: CLV_HOME, which `DbtProject` sets for
each build, or you when you run plain dbt. dbt keeps of an error its text alone; the functions are
decorated with `kept_for_the_caller`, so that the build raises the error itself. Owns no file.
"""
