"""The files of a result: their names, their digests, what is damaged, what may be removed."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from contextlib import suppress
from pathlib import Path

from nbutils.errors import StoreError

logger = logging.getLogger(__name__)

#: Digests of a published result's files.
DIGESTS_FILE = "digests.json"
#: What a key is a digest of, and by which notebook, where and when (seconds since 1970) the result was made.
KEY_FILE, ORIGIN_FILE = "key.json", "origin.json"
#: State of an unfinished training: the newest, the one before, and one that turned out to be damaged.
CHECKPOINT, CHECKPOINT_BEFORE, CHECKPOINT_DAMAGED = (
    f"checkpoint{which}.safetensors" for which in ("", ".before", ".damaged")
)
_RESULT = (
    "weights.safetensors",
    "history.parquet",
    "spec.json",
    "metrics.json",
    "features.npy",
    "logits.npy",
    "watched.npz",
)
_REPLACED = (CHECKPOINT, KEY_FILE, ORIGIN_FILE)
_WRITTEN = re.compile(
    "|".join(map(re.escape, (*_RESULT, *_REPLACED, CHECKPOINT_BEFORE, CHECKPOINT_DAMAGED, DIGESTS_FILE)))
    + rf"|watched\.new|watched-\d+\.npy|checkpoint\.new|\.({'|'.join(map(re.escape, _REPLACED))})\.\d+"
)
_SHA256 = re.compile("[0-9a-f]{64}")


def read_digests(folder: Path) -> dict[str, str]:
    """Name to SHA-256 of a published result's files.

    Raises:
        ValueError: What lies there is no such list.
        OSError: It cannot be read.
    """
    return checked_digests((folder / DIGESTS_FILE).read_bytes())


def checked_digests(content: bytes) -> dict[str, str]:
    """Name to SHA-256, from the content of a `DIGESTS_FILE`.

    Raises:
        ValueError: It is no such list.
    """
    try:
        digests = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{DIGESTS_FILE} cannot be read: {error}") from error
    if not (isinstance(digests, dict) and digests):
        raise ValueError(f"{DIGESTS_FILE}: expected names of files and their SHA-256")
    for name, value in digests.items():
        if Path(name).name != name or not (isinstance(value, str) and _SHA256.fullmatch(value)):
            raise ValueError(f"{DIGESTS_FILE}: {name!r}: expected the name of a file and its SHA-256")
    return digests


def damage_of(folder: Path) -> str | None:
    """What is wrong with a published folder, or None; reads every file.

    Files that the store did not write are none of its business.

    Raises:
        StoreError: A file may not be read.
    """
    try:
        digests = read_digests(folder)
        for name, expected in digests.items():
            file = folder / name
            if not file.is_file():
                return f"{name} is missing"
            if sha256_of(file) != expected:
                return f"{name} does not have the digest it was written with"
        unlisted = {file.name for file in folder.iterdir() if is_written(file.name)} - {*digests, DIGESTS_FILE}
    except PermissionError as error:
        raise StoreError(f"{error.filename}: cannot be read: {error.strerror}") from error
    except (OSError, ValueError) as error:
        return str(error)
    return f"{DIGESTS_FILE} does not list {min(unlisted)}" if unlisted else None


def is_written(name: str) -> bool:
    """Whether the store gives a file of its folders such a name."""
    return bool(_WRITTEN.fullmatch(name))


def remove_result(folder: Path) -> None:
    """Removes what the store wrote into a folder, and the folder itself if nothing else is in it."""
    if folder.is_symlink() or not folder.is_dir():
        return
    listed: set[str] = set()
    with suppress(OSError, ValueError):
        listed |= read_digests(folder).keys()
    try:
        for file in folder.iterdir():
            if (is_written(file.name) or file.name in listed) and not (file.is_dir() and not file.is_symlink()):
                file.unlink(missing_ok=True)
        folder.rmdir()
    except OSError as error:
        logger.warning("%s is of no use any more, and could not be removed: %s", folder, error.strerror)


def sha256_of(file: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
