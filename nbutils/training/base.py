"""What all specs are made of: frozen values, and their digest."""

from __future__ import annotations

import hashlib
import json

from pydantic import BaseModel, ConfigDict, ValidationError

from nbutils.errors import ParameterError


class Frozen(BaseModel):
    """A value: unknown fields are refused, nothing changes after construction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **fields: object) -> None:
        """Takes the fields by name.

        Raises:
            ParameterError: A field is unknown, missing, mistyped or out of its range.
        """
        try:
            super().__init__(**fields)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join([type(self).__name__, *map(str, first["loc"])])
            raise ParameterError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None


def digest(content: object) -> str:
    """SHA-256, shortened to 32 hexadecimal digits, of a JSON-like value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
