"""The failures a user can meet, each with the exit code of the command line."""


class EngineError(Exception):
    """One line for the user: what is wrong, where, and what to do."""

    exit_code = 1


class CallError(EngineError):
    """The call or the config is wrong."""

    exit_code = 2


class LockHeldError(EngineError):
    """Another run works in this home."""

    exit_code = 3


class DataNotReadyError(EngineError):
    """The data does not allow it yet."""

    exit_code = 4
