"""A training spec in a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from nbutils.errors import ParameterError, first_fault
from nbutils.training.spec import TrainingSpec


def read_spec(file: Path) -> TrainingSpec:
    """Reads what `TrainingSpec.model_dump_json()` wrote; runs nothing of the sources in it.

    Raises:
        ParameterError: The file cannot be read, or holds no spec.
    """
    try:
        return TrainingSpec.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"{file}: expected a training spec as JSON: {error}") from error
    except ValidationError as error:
        raise ParameterError(f"{file}: expected a training spec as JSON: {first_fault(error)}") from error
