"""MobileID's six regions of the face, and cutting them out of whole-face crops."""

from __future__ import annotations

from typing import overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from nbutils.data.geometry.template import MIRRORED, SMALL_INPUT, Box, template
from nbutils.errors import ParameterError


def _region(point: int) -> Box:
    """Half of the crop's height and width about one point of the template, moved inside where it would leave."""
    height, width = SMALL_INPUT
    x, y = (template(height, width)[point] + 0.5) / [width, height]
    left, top = min(max(x - 0.25, 0), 0.5), min(max(y - 0.25, 0), 0.5)
    return Box(left, top, left + 0.5, top + 0.5)


#: The six regions that the six T1 of Luo et al. 2016 (section "Experiments", Fig. 5) see one each, in fractions of the
#: whole-face crop. The paper prints their names alone; the boxes are ours. Left and right are the viewer's.
REGIONS: dict[str, Box] = {
    "left_eye": _region(0),
    "right_eye": _region(1),
    "nose": _region(2),
    "left_mouth_corner": _region(3),
    "right_mouth_corner": _region(4),
    "whole_face": Box(0, 0, 1, 1),
}


def mirrored_region(region: str) -> str:
    """The region that lies, in a mirrored image, where `region` did: left_eye for right_eye.

    Example:
        >>> from nbutils.data import mirrored_region
        >>> mirrored_region("left_eye"), mirrored_region("nose")
        ('right_eye', 'nose')
    """
    names = list(REGIONS)
    at = names.index(_known(region))
    return names[MIRRORED[at]] if at < len(MIRRORED) else region


@overload
def cut_region(images: Tensor, region: str, size: tuple[int, int] | None = None) -> Tensor: ...


@overload
def cut_region(
    images: npt.NDArray[np.uint8], region: str, size: tuple[int, int] | None = None
) -> npt.NDArray[np.uint8]: ...


def cut_region(
    images: Tensor | npt.NDArray[np.uint8], region: str, size: tuple[int, int] | None = None
) -> Tensor | npt.NDArray[np.uint8]:
    """One region of whole-face crops, resampled (bilinear, over the pixels' area) to an input's size.

    Args:
        images: (B, 3, H, W) tensor, or (B, H, W, 3) or (H, W, 3) uint8 array.
        region: One of `REGIONS`.
        size: (height, width) of the result; that of `images` if not given.

    Returns:
        The same kind as `images`; a tensor keeps its type and device. `whole_face` at its own size is `images` itself.

    Raises:
        ParameterError: If there is no such region.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import cut_region
        >>> cut_region(np.zeros((61, 53, 3), np.uint8), "left_eye", (55, 47)).shape
        (55, 47, 3)
    """
    box = REGIONS[_known(region)]
    if isinstance(images, np.ndarray):
        batch = torch.from_numpy(np.ascontiguousarray(images.reshape(-1, *images.shape[-3:]))).permute(0, 3, 1, 2)
        cut = cut_region(batch, region, size).permute(0, 2, 3, 1).contiguous().numpy()
        return cut.reshape(*images.shape[:-3], *cut.shape[1:])
    height, width = images.shape[-2:]
    left, top, right, bottom = (round(edge) for edge in box.scaled(height, width))
    inside = images[..., top:bottom, left:right]
    wanted = size or (height, width)
    if inside.shape[-2:] == wanted:
        return inside
    return interpolate(inside, wanted, mode="bilinear", antialias=True, align_corners=False)


def _known(region: str) -> str:
    if region not in REGIONS:
        raise ParameterError(f"region is {region!r}, expected one of {', '.join(REGIONS)}")
    return region
