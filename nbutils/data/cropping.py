"""Decodes images of a collection and crops them to one size, by the rule of their data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from typing import get_args

import numpy as np
import numpy.typing as npt
from tqdm.auto import tqdm

from nbutils.data.collection import Collection
from nbutils.data.geometry.template import (
    LFW_SIZE,
    Box,
    CropRule,
    aligned_box,
    box_to_crop,
    check_inside,
    face_box,
    landmarks_to_crop,
    move_points,
)
from nbutils.data.geometry.warp import from_reduced, shrinkage, warp
from nbutils.errors import DataError, ParameterError

#: Every rule; `nbutils.data.geometry.template.CropRule` says what each is.
CROP_RULES: tuple[CropRule, ...] = get_args(CropRule)

Landmarks = npt.NDArray[np.float32]


def crop_rule(collection: Collection, wanted: CropRule) -> CropRule:
    """The rule that suits a collection: LFW's own for its images, and no key points where there are none.

    CelebA's aligned images without key points have their eyes in known places, and are cut by these.

    Args:
        collection: Any.
        wanted: What the data set's manifest asks for.
    """
    if collection.layout == "lfw":
        return "lfw"
    if wanted == "landmarks" and collection.landmarks is None:
        return "celeba" if collection.layout == "celeba" else "whole"
    return wanted


def crop_face(
    collection: Collection, index: int, rule: CropRule, height: int, width: int
) -> tuple[npt.NDArray[np.uint8], Landmarks | None]:
    """Decodes and crops one image.

    Returns:
        (height, width, 3) uint8; the (5, 2) key points in it, where the collection has them.

    Raises:
        DataError: naming the image, if it cannot be decoded or the rule does not suit it.
        ParameterError: If height and width are out of range.

    Example:
        >>> from pathlib import Path
        >>> from nbutils.data import Collection, crop_face
        >>> faces = Collection("mine", Path("mine"), names=["a"], read=lambda at: b"P5 2 1 255 " + bytes(2))
        >>> crop, key_points = crop_face(faces, 0, "whole", 61, 53)
        >>> crop.shape, key_points
        ((61, 53, 3), None)
    """
    if collection.crops is not None:
        _check_crops(collection, height, width)
        points = None if collection.landmarks is None else collection.landmarks[index]
        return collection.image(index), points
    landmarks = None if collection.landmarks is None else collection.landmarks[index]
    if rule == "landmarks" and landmarks is None:
        raise DataError(f"{collection.root}: has no key points to align by; expected another rule than 'landmarks'")

    @cache  # asked for before the image is decoded, and after
    def to_crop(image_height: int, image_width: int) -> npt.NDArray[np.float64]:
        try:
            return _to_crop(rule, landmarks, (image_height, image_width), (height, width))
        except DataError as error:
            raise DataError(f"{collection.describe(index)}: {error}") from None

    image = collection.reduced(index, lambda *size: shrinkage(to_crop(*size)))
    matrix = to_crop(image.height, image.width)
    crop = warp(image.pixels, from_reduced(matrix, image.reduction), height, width, black=rule == "landmarks")
    return crop, None if landmarks is None else move_points(landmarks, matrix).astype(np.float32)


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

    Example:
        >>> from pathlib import Path
        >>> from nbutils.data import Collection, crop_faces
        >>> faces = Collection("mine", Path("mine"), names=["a"], read=lambda at: b"P5 2 1 255 " + bytes(2))
        >>> crops, key_points = crop_faces(faces, [0], "whole", 61, 53, progress=False)
        >>> crops.shape
        (1, 61, 53, 3)
    """
    if rule not in CROP_RULES:
        raise ParameterError(f"the rule of crops is {rule!r}: expected one of {', '.join(CROP_RULES)}")
    face_box(height, width)  # refuses sizes that are out of range before anything is decoded
    if collection.crops is not None:
        _check_crops(collection, height, width)
        rows = np.asarray(which, np.int64)
        if collection.check_crops is not None:
            collection.check_crops(which)
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
        raise DataError(f"{collection.root}: its crops are of {had} pixels, expected {height}×{width}: pack it again")


def _to_crop(
    rule: CropRule, landmarks: Landmarks | None, image: tuple[int, int], crop: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """(2, 3) affine map of the image's points to the crop's; both of (height, width) pixels."""
    if rule != "landmarks":
        return _box_to_crop(rule, image, crop)
    assert landmarks is not None
    check_inside(landmarks, *image)
    return landmarks_to_crop(landmarks, *crop)


@lru_cache
def _box_to_crop(rule: CropRule, image: tuple[int, int], crop: tuple[int, int]) -> npt.NDArray[np.float64]:
    (image_height, image_width), (height, width) = image, crop
    if rule == "lfw":
        if image != (LFW_SIZE, LFW_SIZE):
            raise DataError(f"{image_width}×{image_height} pixels, expected {LFW_SIZE}×{LFW_SIZE}")
        box = face_box(height, width)
    elif rule == "celeba":
        box = aligned_box(*image, height, width)
    else:
        scale = min(image_height / height, image_width / width)
        left, top = (image_width - scale * width) / 2, (image_height - scale * height) / 2
        box = Box(left, top, left + scale * width, top + scale * height)
    return box_to_crop(box, height, width)
