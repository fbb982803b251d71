"""The digest that an exported ONNX file carries of its own bytes, in its metadata.

The entry `digest` is `sha256:` and 64 hexadecimal digits: the SHA-256 of the file's bytes without these 64. It stands
behind the last `sha256:` of the file, so that a reader needs no parser of ONNX to check it. It finds accidents, a
flipped bit or a file cut short; it is no signature, since whoever changes a file on purpose can write another digest.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from nbutils.errors import DataError

if TYPE_CHECKING:
    import onnx

#: Name of the metadata's entry, and what its value begins with.
ENTRY, PREFIX = "digest", b"sha256:"
_DIGITS = 64


def with_digest(model: onnx.ModelProto) -> bytes:
    """The bytes of a model's file, with the digest as the metadata's last entry."""
    kept = [entry for entry in model.metadata_props if entry.key != ENTRY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    model.metadata_props.add(key=ENTRY, value=PREFIX.decode() + "0" * _DIGITS)
    content: bytes = model.SerializeToString()
    before, _, after = content.rpartition(PREFIX)
    assert after.startswith(b"0" * _DIGITS), "something behind the metadata contains the digest's prefix"
    after = after[_DIGITS:]
    return before + PREFIX + hashlib.sha256(before + after).hexdigest().encode() + after


def read_whole(file: Path, name: Path | None = None) -> bytes:
    """The bytes of a file of `nbutils export`, once their digest is found right.

    Args:
        file: The file.
        name: What an error calls it; None: `file`.

    Raises:
        DataError: If it cannot be read, carries no digest, or is damaged.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{name or file}: cannot be read: {error.strerror or error}") from error
    before, found, after = content.rpartition(PREFIX)
    digest, after = after[:_DIGITS], after[_DIGITS:]
    if not found:
        raise DataError(f"{name or file}: carries no digest, expected a file of `nbutils export`; export it again")
    if hashlib.sha256(before + after).hexdigest().encode() != digest:
        raise DataError(f"{name or file}: is damaged: its bytes are not those that its digest is of; export it again")
    return content
