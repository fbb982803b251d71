"""Tensors in a safetensors file."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor


def write_tensors(tensors: Mapping[str, Tensor], file: Path, metadata: dict[str, str] | None = None) -> None:
    """Writes tensors, in any memory format.

    Raises:
        OSError: The file cannot be written.
    """
    try:
        save_file({name: value.contiguous() for name, value in tensors.items()}, file, metadata)
    except SafetensorError as error:  # the system's errors among them
        found = re.search(r"(\w[^:]*) \(os error (\d+)\)", str(error))
        number, reason = (int(found[2]), found[1]) if found else (errno.EIO, str(error))
        raise OSError(number, reason, str(file)) from error
