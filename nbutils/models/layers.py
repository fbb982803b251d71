"""Layers that torch.nn lacks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn


def rectified_max_pool() -> nn.Sequential:
    """2×2 max pooling of a rectified map, at a quarter of the rectifier's cost: max and ReLU commute."""
    return nn.Sequential(nn.MaxPool2d(2), nn.ReLU())


def supervision_head(in_features: int, num_features: int, num_classes: int) -> nn.Sequential:
    """Two fully connected layers that predict the identity from a map while the network trains."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(in_features, num_features), nn.ReLU(), nn.Linear(num_features, num_classes)
    )


def supervise(heads: nn.ModuleList, maps: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Runs each head on its map.

    Returns:
        The hidden layer of each, and its logits.
    """
    hidden, logits = [], []
    for head, below in zip(heads, maps, strict=True):
        *lower, last = cast(nn.Sequential, head)
        for layer in lower:
            below = layer(below)
        hidden.append(below)
        logits.append(last(below))
    return tuple(hidden), tuple(logits)


class LocallyConnected2d(nn.Module):
    """Convolution with unshared weights: every output position has filters of its own ("lconv" in Table 1).

    Stride 1, no padding. Weights are laid out so that the layer is one batched matrix product, position by position;
    of a position, by row and column of the filter, then by channel, as channels-last maps lie in memory.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        in_size: (height, width) of the input map, fixed because the weights belong to positions.
        kernel_size: Side of the square filters.

    Example:
        >>> import torch
        >>> from nbutils.models import LocallyConnected2d
        >>> LocallyConnected2d(3, 4, in_size=(6, 5), kernel_size=2)(torch.zeros(1, 3, 6, 5)).shape
        torch.Size([1, 4, 5, 4])
    """

    def __init__(self, in_channels: int, out_channels: int, in_size: tuple[int, int], kernel_size: int) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.in_size = in_size
        self.out_size = (in_size[0] - kernel_size + 1, in_size[1] - kernel_size + 1)
        positions = self.out_size[0] * self.out_size[1]
        fan_in = in_channels * kernel_size**2
        self.weight = nn.Parameter(torch.empty(positions, fan_in, out_channels))
        self.bias = nn.Parameter(torch.zeros(positions, 1, out_channels))
        nn.init.normal_(self.weight, std=math.sqrt(2 / fan_in))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, in_channels, H, W) to (B, out_channels, H − k + 1, W − k + 1)."""
        k = self.kernel_size
        patches = x.unfold(2, k, 1).unfold(3, k, 1)  # B, C, H', W', k, k: a view
        batch = x.shape[0]  # `len` would fix it in an exported file
        rows = patches.permute(2, 3, 0, 4, 5, 1).reshape(len(self.weight), batch, -1)
        out = torch.baddbmm(self.bias.to(rows.dtype), rows, self.weight.to(rows.dtype))
        return out.view(*self.out_size, batch, -1).permute(2, 3, 0, 1)

    def extra_repr(self) -> str:
        """Shapes, for `print(model)`."""
        return f"in_size={self.in_size}, out_size={self.out_size}, kernel_size={self.kernel_size}"
