"""Images of a collection to crops of one size, by the rule that its data set calls for."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm.auto import tqdm

from nbutils.data.collection import Collection
from nbutils.data.crops import LFW_SIZE, Box, align, box_to_crop, cut_box, face_box, landmarks_to_crop, move_points
from nbutils.data.manifest import CropRule, Manifest
from nbutils.errors import DataError, ParameterError

#: Every rule; `nbutils.data.manifest.CropRule` says what each is.
CROP_RULES: tuple[CropRule, ...] = get_args(CropRule)

#: Pixels of the crop that a filter looks at on each side: two for the bicubic one, fewer for the others.
_FILTER_REACH = 2

Landmarks = npt.NDArray[np.float32]


def crop_rule(collection: Collection, manifest: Manifest) -> CropRule:
    """The rule of a data set; not for LFW's own images as its pairs, nor for images without key points."""
    if collection.layout == "lfw":
        return "lfw"
    return "whole" if manifest.crop == "landmarks" and collection.landmarks is None else manifest.crop


def crop_face(
    collection: Collection, index: int, rule: CropRule, height: int, width: int
) -> tuple[npt.NDArray[np.uint8], Landmarks | None]:
    """Decodes and crops one image.

    Returns:
        (height, width, 3) uint8; the (5, 2) key points in it, where the collection has them.

    Raises:
        DataError: naming the image, if it cannot be decoded or the rule does not suit it.
        ParameterError: If height and width are out of range.
    """
    if collection.crops is not None:
        _check_crops(collection, height, width)
        points = None if collection.landmarks is None else collection.landmarks[index]
        return collection.image(index), points
    known = collection.landmarks
    landmarks = None if known is None else known[index]
    if rule == "landmarks":
        if landmarks is None:
            raise DataError(f"{collection.root}: has no key points to align by; expected another rule than 'landmarks'")
        try:
            return _aligned(collection, index, landmarks, height, width)
        except DataError as error:
            named = str(error).startswith(collection.describe(index))
            raise error if named else DataError(f"{collection.describe(index)}: {error}") from None

    def shrink(image_height: int, image_width: int) -> float:
        if rule == "lfw" and (image_height, image_width) != (LFW_SIZE, LFW_SIZE):
            raise DataError(
                f"{collection.describe(index)}: {image_width}×{image_height} pixels, expected {LFW_SIZE}×{LFW_SIZE}"
            )
        box = _box(rule, image_height, image_width, height, width)
        return (box.bottom - box.top) / height

    image = collection.reduced(index, shrink)
    box = _box(rule, image.height, image.width, height, width)
    reduced = Box(*(edge / image.reduction for edge in box))
    crop = _cut(image.pixels, reduced, height, width)
    if landmarks is None:
        return crop, None
    return crop, move_points(landmarks, box_to_crop(box, height, width)).astype(np.float32)


def crop_faces(
    collection: Collection, which: Sequence[int], rule: CropRule, height: int, width: int, *, progress: bool = True
) -> tuple[npt.NDArray[np.uint8], Landmarks | None]:
    """Decodes and crops several images, on all cores, into memory.

    Args:
        collection: Any.
        which: Indices of the images.
        rule: How.
        height: Of each crop.
        width: Of each crop.
        progress: Show a progress bar.

    Returns:
        (n, height, width, 3) uint8; (n, 5, 2) key points in them, where the collection has them.

    Raises:
        DataError: naming the image, for the first that cannot be decoded or cropped.
        ParameterError: If height, width or rule are out of range.
    """
    if rule not in CROP_RULES:
        raise ParameterError(f"the rule of crops is {rule!r}: expected one of {', '.join(CROP_RULES)}")
    face_box(height, width)  # refuses sizes that are out of range before anything is decoded
    if collection.crops is not None:
        _check_crops(collection, height, width)
        rows = np.asarray(which, np.int64)
        return collection.crops[rows], None if collection.landmarks is None else collection.landmarks[rows]
    crops = np.empty((len(which), height, width, 3), np.uint8)
    landmarks = None if collection.landmarks is None else np.empty((len(which), 5, 2), np.float32)

    def crop(at: int) -> None:
        crops[at], points = crop_face(collection, int(which[at]), rule, height, width)
        if landmarks is not None and points is not None:
            landmarks[at] = points

    # Threads suffice: Pillow decodes and resizes without the interpreter's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for _ in tqdm(pool.map(crop, range(len(which))), "decoding faces", len(which), disable=not progress):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return crops, landmarks


def _check_crops(collection: Collection, height: int, width: int) -> None:
    if collection.crops is not None and collection.crops.shape[1:3] != (height, width):
        had = "×".join(map(str, collection.crops.shape[1:3]))
        raise DataError(f"{collection.root}: its crops are of {had} pixels, expected {height}×{width}: pack it anew")


def _cut(pixels: npt.NDArray[np.uint8], box: Box, height: int, width: int) -> npt.NDArray[np.uint8]:
    """As `cut_box`, but hands over only the pixels that the filter can reach, which saves most of the copying."""
    reach = 1 + math.ceil(_FILTER_REACH * max(1.0, (box.bottom - box.top) / height, (box.right - box.left) / width))
    top, left = max(0, math.floor(box.top) - reach), max(0, math.floor(box.left) - reach)
    near = pixels[top : math.ceil(box.bottom) + reach, left : math.ceil(box.right) + reach]
    moved = Box(box.left - left, box.top - top, box.right - left, box.bottom - top)
    return cut_box(Image.fromarray(near), moved, height, width)


def _aligned(
    collection: Collection, index: int, landmarks: Landmarks, height: int, width: int
) -> tuple[npt.NDArray[np.uint8], Landmarks]:
    matrix = landmarks_to_crop(landmarks, height, width)
    image = collection.reduced(index, lambda _height, _width: float(1 / np.hypot(*matrix[:, 0])))
    reduced = (landmarks + 0.5) / image.reduction - 0.5
    return align(Image.fromarray(image.pixels), reduced, height, width)


def _box(rule: CropRule, image_height: int, image_width: int, height: int, width: int) -> Box:
    """The box of the whole image that becomes the crop."""
    if rule == "lfw":
        return face_box(height, width)
    scale = min(image_height / height, image_width / width)
    left, top = (image_width - scale * width) / 2, (image_height - scale * height) / 2
    return Box(left, top, left + scale * width, top + scale * height)
