"""Where a face lies in a crop: the template of five key points, LFW's fixed box, and the maps from image to crop.

All crops share one geometry, that of the mean deep-funnelled LFW face: a face aligned by its key points, and one cut
out of LFW by the fixed box, have eyes, nose and mouth in the same places. Points are (x, y) with the centre of the
first pixel at (0, 0), as in `Faces.landmarks`.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from nbutils.errors import DataError, ParameterError

#: How images become crops. "landmarks": a similarity transform brings the five key points to the template; "lfw": the
#: fixed box of LFW's images of 250 × 250 pixels; "celeba": the fixed box of CelebA's aligned images, of any size;
#: "whole": images that are crops of faces already, their largest central part of the wanted aspect.
CropRule = Literal["landmarks", "lfw", "celeba", "whole"]

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
#: Width and height of CelebA's aligned images, and where their eyes lie in these pixels; copies may be smaller.
ALIGNED_WIDTH, ALIGNED_HEIGHT = 178, 218
_ALIGNED_EYES = ((69.0, 111.0), (108.0, 111.0))
#: Where each key point goes when the image is mirrored: left and right are the viewer's.
MIRRORED = (1, 0, 2, 4, 3)
#: (x, y) to x + iy.
_PLANE = np.array([1, 1j])


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


def aligned_box(image_height: int, image_width: int, height: int, width: int) -> Box:
    """The box of an aligned image of CelebA that becomes a crop of height × width pixels, its eyes where LFW's are.

    Args:
        image_height: Of the image, which may be a reduced copy.
        image_width: Likewise.
        height: Of the crop.
        width: Of the crop.

    Raises:
        DataError: If the image has other proportions than 178 × 218.
        ParameterError: As of `face_box`.
    """
    if abs(image_width - image_height * ALIGNED_WIDTH / ALIGNED_HEIGHT) > 1:
        raise DataError(
            f"{image_width}×{image_height} pixels: expected the proportions of CelebA's aligned images, "
            f"{ALIGNED_WIDTH}×{ALIGNED_HEIGHT}, where key points are not given"
        )
    (left_eye, eyes), (right_eye, _) = _MEAN_FACE[:2]
    (left, level), (right, _) = _ALIGNED_EYES
    scale = (right - left) / (right_eye - left_eye)
    box = np.array(face_box(height, width)) - 0.5  # to pixel centres, as the eyes are given, and back to edges
    x, y = (left + (box[[0, 2]] - left_eye) * scale + 0.5, level + (box[[1, 3]] - eyes) * scale + 0.5)
    fractions = Box(*(np.array([x[0], y[0], x[1], y[1]]) / ([ALIGNED_WIDTH, ALIGNED_HEIGHT] * 2)).tolist())
    return fractions.scaled(image_height, image_width)


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
