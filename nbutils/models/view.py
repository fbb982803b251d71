"""What a network sees of a crop of the whole face."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nbutils.data.geometry.face_regions import REGIONS, cut_region
from nbutils.errors import ParameterError


@dataclass(frozen=True)
class View:
    """One region of a whole-face crop, resampled to a network's input.

    With views, networks of different inputs look at one batch: T2 at 112 × 96 pixels and its student at 55 × 47
    (Luo et al. 2016, Fig. 4), or six T1 at a region each (Fig. 5). Regions are cut after the augmentation, which is
    thus one for all: in a mirrored image, "left_eye" is still the viewer's left.

    Attributes:
        region: One of `nbutils.data.geometry.face_regions.REGIONS`.
        size: (height, width) of the network's input.

    Raises:
        ParameterError: If there is no such region.
    """

    region: str
    size: tuple[int, int]

    def __post_init__(self) -> None:
        if self.region not in REGIONS:
            raise ParameterError(f"region is {self.region!r}, expected one of {', '.join(REGIONS)}")

    def __call__(self, images: Tensor) -> Tensor:
        """Maps (B, 3, H, W) whole-face crops to (B, 3, *size)."""
        with torch.autocast(images.device.type, enabled=False):  # torch has no antialiasing in bf16
            return cut_region(images.float(), self.region, self.size)
