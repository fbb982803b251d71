"""Resampling an image to a crop by an affine map."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

#: An image shrunk by less is sampled once a pixel.
_PASSED_OVER = 1.25


def shrinkage(matrix: npt.NDArray[np.float64]) -> float:
    """How many pixels of the image lie side by side in one of the crop, for a (2, 3) affine map to it."""
    (a, b, _), (c, d, _) = matrix.tolist()
    return 1 / math.sqrt(abs(a * d - b * c))


def from_reduced(matrix: npt.NDArray[np.float64], times: int) -> npt.NDArray[np.float64]:
    """The (2, 3) affine map for the same image made `times` times smaller."""
    (a, b, x), (c, d, y) = matrix.tolist()
    off = (times - 1) / 2  # from the centre of a block's first pixel to the block's
    return np.array([[a * times, b * times, x + (a + b) * off], [c * times, d * times, y + (c + d) * off]])


def warp(
    pixels: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64], height: int, width: int, *, black: bool = False
) -> npt.NDArray[np.uint8]:
    """The crop that an affine map makes of an image: bilinear, over the pixels' area where it shrinks.

    Args:
        pixels: (H, W, 3).
        matrix: (2, 3), of the image's points to the crop's.
        height: Of the crop.
        width: Of the crop.
        black: Outside the image all is black; else its edge is continued.

    Returns:
        (height, width, 3).
    """
    times = int(shrinkage(matrix))
    if times > 1:  # whole blocks are averaged first, so that the rest is small whatever the image
        rows, columns = max(pixels.shape[0] // times, 1), max(pixels.shape[1] // times, 1)
        blocks = pixels[: rows * times, : columns * times]
        pixels = _pixels(cv2.resize(blocks, (columns, rows), interpolation=cv2.INTER_AREA))
        matrix = from_reduced(matrix, times)
    # A pixel that still covers more than one of the image's is sampled four times.
    finer = 1 if shrinkage(matrix) < _PASSED_OVER else 2
    border = cv2.BORDER_CONSTANT if black else cv2.BORDER_REPLICATE
    to_finer = finer * matrix + [0, 0, (finer - 1) / 2]
    size = (width * finer, height * finer)
    drawn = cv2.warpAffine(pixels, to_finer, size, flags=cv2.INTER_LINEAR, borderMode=border)
    return _pixels(drawn if finer == 1 else cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA))


def _pixels(image: cv2.typing.MatLike) -> npt.NDArray[np.uint8]:
    return image.view(np.uint8)
