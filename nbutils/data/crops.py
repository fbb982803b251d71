"""Crops of faces: five key points to a template, and LFW's fixed box.

One geometry for all of them, that of the mean deep-funnelled LFW face: a face aligned by its key points, and one cut
out of LFW by the fixed box, have eyes, nose and mouth in the same places. Points are (x, y) with the centre of the
first pixel at (0, 0), as in `Faces.landmarks`.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from nbutils.errors import DataError, ParameterError

#: (height, width) of the inputs of Luo et al. 2016, Table 1: T1 and the student, T2.
SMALL_INPUT, LARGE_INPUT = (55, 47), (112, 96)
#: Every image of LFW has this width and height.
LFW_SIZE = 250
#: Centre (x, y) and height of the box cut from each image of LFW: hairline to chin of the mean deep-funnelled face
#: (rows 60 … 192); the box's width follows from the wanted aspect.
FACE_CENTRE = (125.0, 126.0)
FACE_HEIGHT = 132.0
#: Key points of the mean deep-funnelled face in LFW's pixels, in the order of `Faces.landmarks`; read off the mean of
#: the images, ours.
_MEAN_FACE = ((103.0, 112.0), (147.0, 112.0), (125.0, 136.0), (107.0, 157.0), (143.0, 157.0))
#: (x, y) to x + iy.
_PLANE = np.array([1, 1j])
#: An image shrunk by less is sampled once a pixel.
_PASSED_OVER = 1.25


class Box(NamedTuple):
    """A rectangle; edges, not pixel centres: a whole image is (0, 0, width, height)."""

    left: float
    top: float
    right: float
    bottom: float

    def scaled(self, height: float, width: float) -> Box:
        """A box in fractions of an image, in its pixels."""
        return Box(self.left * width, self.top * height, self.right * width, self.bottom * height)


def face_box(height: int, width: int) -> Box:
    """The box of LFW's images that becomes a crop of height × width pixels.

    Raises:
        ParameterError: if the crop has no pixels, or is so wide that the box would leave the image.
    """
    if height < 1 or width < 1 or FACE_HEIGHT * width / height > LFW_SIZE:
        raise ParameterError(
            f"height × width is {height} × {width}, expected at least 1 × 1 and at most "
            f"{LFW_SIZE / FACE_HEIGHT:.2f} times as wide as high"
        )
    (x, y), half_width, half_height = FACE_CENTRE, FACE_HEIGHT * width / height / 2, FACE_HEIGHT / 2
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


def template(height: int, width: int) -> npt.NDArray[np.float64]:
    """Where the five key points lie in a crop of the whole face: (5, 2) x, y in its pixels."""
    return move_points(np.array(_MEAN_FACE), box_to_crop(face_box(height, width), height, width))


def box_to_crop(box: Box, height: int, width: int) -> npt.NDArray[np.float64]:
    """(2, 3) affine map of an image's points to those of the crop that `box` becomes."""
    x, y = width / (box.right - box.left), height / (box.bottom - box.top)
    return np.array([[x, 0, (0.5 - box.left) * x - 0.5], [0, y, (0.5 - box.top) * y - 0.5]])


def landmarks_to_crop(landmarks: npt.NDArray[np.floating], height: int, width: int) -> npt.NDArray[np.float64]:
    """The similarity (turn, scale, shift) that brings five key points nearest to the template.

    Least squares, as in Umeyama 1991 without reflection.

    Args:
        landmarks: (5, 2) x, y in pixels of the image, in the order of `Faces.landmarks`.
        height: Of the crop.
        width: Of the crop.

    Returns:
        (2, 3) affine map of the image's points to the crop's.

    Raises:
        DataError: If the points are not finite, or (nearly) all one point.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all() or np.ptp(points, axis=0).max() < 1:
        raise DataError(f"key points {points.round(1).tolist()}: expected five of them, not all in one place")
    # One complex number turns and scales, so that least squares is a quotient.
    origin, wanted = points @ _PLANE, _template_in_plane(height, width)
    middle = origin.sum() / len(origin)
    centred = origin - middle
    turn = (centred.conj() @ wanted) / (centred.conj() @ centred)
    shift = wanted.sum() / len(wanted) - turn * middle
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


@cache
def _template_in_plane(height: int, width: int) -> npt.NDArray[np.complex128]:
    points: npt.NDArray[np.complex128] = template(height, width) @ _PLANE
    return points


def move_points(points: npt.NDArray[np.floating], matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(…, 2) points under a (2, 3) affine map."""
    moved: npt.NDArray[np.float64] = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def check_inside(landmarks: npt.NDArray[np.floating], height: int, width: int) -> None:
    """Refuses key points outside the image that they are of.

    Raises:
        DataError: naming the points.
    """
    if not ((landmarks >= -0.5) & (landmarks <= [width - 0.5, height - 0.5])).all():
        raise DataError(f"key points {landmarks.round(1).tolist()}: expected them inside the {width} × {height} pixels")


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
