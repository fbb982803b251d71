"""The project's errors: each names the file, line or parameter at fault and says what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class NbutilsError(Exception):
    """Base of every error that this project raises on purpose."""


class DataError(NbutilsError):
    """A data set, image or list that cannot be read as it stands."""


class ParameterError(NbutilsError, ValueError):
    """A parameter that is unknown, mistyped or out of its range."""


class StoreError(NbutilsError):
    """A stored training that cannot be read or written."""


def first_fault(error: ValidationError, whole: str = "the whole file") -> str:
    """The first key that a file's model refuses, and why; `whole` names the file itself."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or whole}: {first['msg']}"
