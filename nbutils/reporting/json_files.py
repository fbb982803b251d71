"""JSON that every reader accepts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from nbutils.writing import write_aside


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON, atomically; see `jsonable` for what is accepted."""
    write_aside(path, as_json(value))


def as_json(value: object) -> str:
    """`value` as the text of a JSON file."""
    return json.dumps(jsonable(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def jsonable(value: object) -> Any:  # noqa: ANN401 (JSON has no narrower type)
    """`value` in JSON's own types: arrays as lists, paths and times as text, non-finite numbers as null.

    Raises:
        TypeError: a value of a type that has no plain reading in JSON.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, np.generic | np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted(jsonable(item) for item in value)
    if isinstance(value, Sequence):
        return [jsonable(item) for item in value]
    raise TypeError(f"a {type(value).__name__} is no JSON value: expected numbers, text, lists or mappings")
