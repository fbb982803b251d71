"""The project's errors: each names the file, line or parameter at fault and says what was expected."""


class NbutilsError(Exception):
    """Base of every error that this project raises on purpose."""


class DataError(NbutilsError):
    """A data set, image or list that cannot be read as it stands."""


class ParameterError(NbutilsError, ValueError):
    """A parameter that is unknown, mistyped or out of its range."""


class StoreError(NbutilsError):
    """A stored training that cannot be read or written."""
