"""The scaling of pixels to the input of this project's networks."""

from __future__ import annotations

from torch import Tensor


def to_unit_range(pixels: Tensor) -> Tensor:
    """Scales pixels as all networks of this project take them: 0 becomes −1, and 255 becomes 1.

    Args:
        pixels: (B, H, W, C) uint8.

    Returns:
        (B, C, H, W) float32 in [−1, 1], channels-last in memory.

    Example:
        >>> import torch
        >>> to_unit_range(torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 1, 1, 3)).flatten().tolist()
        [-1.0, -0.6000000238418579, 1.0]
    """
    return pixels.permute(0, 3, 1, 2).float().sub_(127.5).div_(127.5)
