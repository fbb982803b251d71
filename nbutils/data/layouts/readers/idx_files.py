"""The idx format of MNIST: a magic number, the sizes of the axes, then the bytes."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.errors import DataError

_UINT8 = 8
#: Twenty times MNIST: what a header may announce, so that a damaged one does not fill the memory.
_MOST_BYTES = 1 << 30


def read_idx(file: Path, axes: int) -> npt.NDArray[np.uint8]:
    """Reads an idx file of unsigned bytes, plain or gzipped (`.gz`).

    No more is ever decompressed than the header announces, plus one byte.

    Args:
        file: For instance `train-images-idx3-ubyte.gz`.
        axes: Expected number of axes: 3 for images, 1 for labels.

    Raises:
        DataError: The file is missing or damaged, holds another type or number of axes, or another number of bytes
            than its header says.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            header = stream.read(4 + 4 * axes)
            if len(header) < 4 + 4 * axes or header[:4] != bytes([0, 0, _UINT8, axes]):
                raise DataError(
                    f"{file}: begins with {header[:4].hex(' ') or 'nothing'}, expected 00 00 08 {axes:02x}: "
                    f"an idx file of unsigned bytes with {axes} axes"
                )
            shape = tuple(int(size) for size in np.frombuffer(header, ">u4", axes, 4))
            wanted = math.prod(shape)
            if wanted > _MOST_BYTES:
                raise DataError(
                    f"{file}: its header announces {' × '.join(map(str, shape))} bytes, expected {_MOST_BYTES} at most"
                )
            content = bytearray()
            while len(content) <= wanted and (part := stream.read(min(wanted + 1 - len(content), 1 << 24))):
                content += part
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: cannot be read as an idx file ({error})") from error
    if len(content) != wanted:
        found = "more" if len(content) > wanted else str(len(content))
        raise DataError(
            f"{file}: holds {found} bytes after its header, expected {' × '.join(map(str, shape))} = {wanted}"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)
