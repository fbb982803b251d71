"""Decodes every image of a collection once, for its size, its digest and its perceptual hash."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm.auto import tqdm

from nbutils.data.collection import Collection
from nbutils.data.decode import decode_reduced
from nbutils.errors import DataError
from nbutils.memory import keep_freed_memory

_TASK = 64


@dataclass(frozen=True)
class Survey:
    """Size, digest and perceptual hash of the N images of a collection.

    Attributes:
        content: (N,) uint64, digest of the encoded bytes (of the pixels, where pixels are kept).
        looks: (N, 2) uint64, perceptual hash; see `difference_hash`.
        size: (N, 2) int32, height and width.
        errors: index → why an image cannot be read or decoded; its rows above are zero.
    """

    content: npt.NDArray[np.uint64]
    looks: npt.NDArray[np.uint64]
    size: npt.NDArray[np.int32]
    errors: dict[int, str]


def survey_collection(collection: Collection, *, progress: bool = True) -> Survey:
    """Decodes every image that is there, on all cores, in bounded memory.

    Args:
        collection: Any.
        progress: Show a progress bar.

    Example:
        >>> from pathlib import Path
        >>> from nbutils.data import Collection, survey_collection
        >>> faces = Collection("mine", Path("mine"), names=["a"], read=lambda at: b"P5 2 1 255 " + bytes(2))
        >>> survey_collection(faces, progress=False).size.tolist()
        [[1, 2]]
    """
    keep_freed_memory()
    count = len(collection)
    found = Survey(np.zeros(count, np.uint64), np.zeros((count, 2), np.uint64), np.zeros((count, 2), np.int32), {})

    def look(start: int) -> int:
        stop = min(start + _TASK, count)
        for at in range(start, stop):
            if at in collection.missing:
                continue
            try:
                _look(collection, at, found)
            except DataError as error:
                found.errors[at] = str(error)
        return stop - start

    with ThreadPoolExecutor(os.cpu_count()) as pool, tqdm(desc="looking", total=count, disable=not progress) as bar:
        try:
            for done in pool.map(look, range(0, count, _TASK)):
                bar.update(done)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def difference_hash(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """128 bits that hardly change when an image is resized or recompressed.

    Whether the grey image, shrunk to 9 × 9, grows brighter to the right (64 bits) and downwards (64 bits).

    Args:
        pixels: (H, W, 3) uint8.

    Returns:
        (2,) uint64.
    """
    grey = Image.fromarray(pixels).convert("L").resize((9, 9), Image.Resampling.BOX)
    small = np.asarray(grey).astype(np.int16)
    right, down = small[:8, 1:] > small[:8, :8], small[1:, :8] > small[:8, :8]
    return np.packbits(np.stack([right, down])).view(np.uint64)


def _look(collection: Collection, at: int, found: Survey) -> None:
    if collection.crops is None and collection.pixels is None:
        content = collection.read(at)
        # An eighth is enough to look at, and still reads every bit of the file.
        image = decode_reduced(content, collection.describe(at), lambda _height, _width: 8)
    else:
        image = collection.reduced(at, lambda _height, _width: 8)
        content = image.pixels.tobytes()
    found.content[at] = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
    found.looks[at] = difference_hash(image.pixels)
    found.size[at] = image.height, image.width
