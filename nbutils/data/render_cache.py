"""Rendered faces kept on the disk: a population of thousands takes tens of seconds to draw and a moment to read.

A file is known by the digest of what decides its bits: population, images, size, and the code that draws them. Lost or
damaged ones are drawn again.
"""

from __future__ import annotations

import hashlib
import logging
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.data.synthetic import SyntheticBatch, SyntheticFaces
from nbutils.paths import rendered_faces_dir
from nbutils.writing import replacing

logger = logging.getLogger(__name__)

#: Fewer images are drawn sooner than they are worth a file.
LEAST_IMAGES = 2000
#: Bytes that all files may take together; those longest unused go first.
MOST_BYTES = 4 * 2**30
_ARRAYS = ("images", "identity", "attributes", "landmarks", "pose")


def render(faces: SyntheticFaces, indices: npt.NDArray[np.int64], height: int, width: int) -> SyntheticBatch:
    """`faces.render(indices, height, width)`, read from the disk where it was drawn before.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import SyntheticFaces
        >>> from nbutils.data.render_cache import render
        >>> render(SyntheticFaces(), np.arange(3), 32, 32).images.shape  # so few are drawn each time
        (3, 32, 32, 3)
    """
    if len(indices) < LEAST_IMAGES:
        return faces.render(indices, height, width)
    file = rendered_faces_dir() / f"{_key(faces, indices, height, width)}.npz"
    found = _read(file)
    if found is None:
        found = faces.render(indices, height, width)
        _write(file, found)
    return found


def _key(faces: SyntheticFaces, indices: npt.NDArray[np.int64], height: int, width: int) -> str:
    digest = hashlib.sha256(
        f"{faces.seed} {faces.images_per_identity} {faces.variation} {height} {width} {_code()}".encode()
    )
    digest.update(np.ascontiguousarray(indices, np.int64).tobytes())
    return digest.hexdigest()[:32]


@cache
def _code() -> str:
    """Digest of the versions and of the package's source that may decide a pixel."""
    import torch

    digest = hashlib.sha256(f"{torch.__version__} {np.__version__}".encode())
    folder = Path(__file__).parent
    for file in sorted([*folder.glob("*.py"), *(folder / "synthetic").glob("*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _read(file: Path) -> SyntheticBatch | None:
    try:
        with np.load(file, allow_pickle=False) as kept:
            found = SyntheticBatch(**{name: kept[name] for name in _ARRAYS})  # a checksum of each is compared
        file.touch()  # so that what is used stays
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("%s: cannot be read (%s); its faces are drawn again", file, error)
        return None
    return found


def _write(file: Path, batch: SyntheticBatch) -> None:
    try:
        with replacing(file) as aside, aside.open("wb") as opened:
            np.savez(opened, **{name: getattr(batch, name) for name in _ARRAYS})
        _make_room(file)
    except OSError as error:  # a full disk, or a folder that is not ours: the faces are there all the same
        logger.warning("%s: rendered faces cannot be kept: %s", file, error.strerror or error)


def _make_room(newest: Path) -> None:
    """Removes the files longest unused, as long as all together take more than `MOST_BYTES`."""
    others = sorted(
        (file for file in newest.parent.glob("*.npz") if file != newest), key=lambda file: file.stat().st_mtime
    )
    size = newest.stat().st_size + sum(file.stat().st_size for file in others)
    for file in others:
        if size <= MOST_BYTES:
            return
        size -= file.stat().st_size
        file.unlink(missing_ok=True)
