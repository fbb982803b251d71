"""Batches of faces as network input: random crop and flip, seeded, for a whole batch at once on the device."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbutils.errors import ParameterError


class FaceBatches:
    """Cuts batches for a network out of one array of images, which may be memory-mapped.

    Args:
        images: (N, H, W, 3) uint8, writeable or memory-mapped copy-on-write (mode "c"), since torch
            shares the memory. H and W may exceed the input size: the margin is what random crops use.
        input_size: (height, width) that the network takes.
        device: Where the batches live.

    Raises:
        ParameterError: If the images are smaller than the input.
    """

    def __init__(
        self, images: npt.NDArray[np.uint8], input_size: tuple[int, int], device: torch.device | str = "cpu"
    ) -> None:
        if images.shape[1] < input_size[0] or images.shape[2] < input_size[1]:
            raise ParameterError(
                f"images of {images.shape[1]}×{images.shape[2]} are smaller than the input {input_size}"
            )
        self.images = torch.from_numpy(images)
        self.input_size = input_size
        self.device = torch.device(device)
        self._margin = (images.shape[1] - input_size[0], images.shape[2] - input_size[1])

    def __len__(self) -> int:
        return len(self.images)

    def centred(self, index: Tensor) -> Tensor:
        """Central crops.

        Args:
            index: (B,) int64 positions in `images`.

        Returns:
            (B, 3, h, w) float32 in [−1, 1], channels-last in memory.
        """
        top, left = self._margin[0] // 2, self._margin[1] // 2
        height, width = self.input_size
        return self._as_input(self.images[index][:, top : top + height, left : left + width])

    def augmented(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Crops at random offsets within the margin, half of them mirrored.

        Args:
            index: (B,) int64 positions in `images`.
            generator: Source of all randomness: equal seeds give equal batches.

        Returns:
            (B, 3, h, w) float32 in [−1, 1], channels-last in memory.
        """
        count = len(index)
        (height, width), (down, right) = self.input_size, self._margin
        top = torch.randint(down + 1, (count, 1), generator=generator)
        left = torch.randint(right + 1, (count, 1), generator=generator)
        mirrored = torch.rand((count, 1), generator=generator) < 0.5
        rows = top + torch.arange(height)
        columns = torch.where(mirrored, torch.arange(width - 1, -1, -1), torch.arange(width)) + left
        return self._as_input(self.images[index[:, None, None], rows[:, :, None], columns[:, None, :]])

    def _as_input(self, pixels: Tensor) -> Tensor:
        pixels = pixels.to(self.device, non_blocking=True)
        return pixels.permute(0, 3, 1, 2).float().sub_(127.5).div_(127.5)
