"""Files of foreign origin that are read whole, up to a bound."""

from __future__ import annotations

from pathlib import Path

from nbutils.errors import DataError

_PIECE = 1 << 16


def read_bounded(path: Path, most: int, expected: str) -> bytes:
    """The content of a file that must not be longer than `most` bytes; no more is ever read or set aside.

    Args:
        path: The file.
        most: Bytes.
        expected: What an error says was expected.

    Raises:
        DataError: It is longer, or cannot be read.
    """
    pieces, total = [], 0
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                pieces.append(piece)
                total += len(piece)
                if total > most:
                    raise DataError(f"{path}: more than {most:,} bytes, expected {expected}")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    return b"".join(pieces)
