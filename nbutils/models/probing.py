"""Responses of any module of any network, by its dotted path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nbutils.data.pixels import to_unit_range
from nbutils.errors import DataError, ParameterError
from nbutils.gpu import device_of
from nbutils.models.evaluating import evaluating
from nbutils.models.taps import Taps, find_module

#: How a map (B, C, h, w) becomes a response of each of its C channels.
Pooling = Literal["mean", "max"]

Prepare = Callable[[Tensor], Tensor]


def module_features(
    network: nn.Module,
    path: str,
    images: npt.NDArray[np.uint8],
    *,
    prepare: Prepare = to_unit_range,
    pooling: Pooling = "mean",
    batch_size: int = 32,
) -> npt.NDArray[np.float32]:
    """What one module of a network responds to images: each unit, or each channel of a map, is a neuron.

    Args:
        network: Any; run in evaluation mode, and left in its own.
        path: The module's dotted path, as `network.named_modules()` spells it, for instance "layer4.1.relu". A module
            that runs several times counts with its last response.
        images: (N, H, W, C) uint8.
        prepare: Maps a batch (B, H, W, C) uint8 to the network's input.
        pooling: Of a map's positions.
        batch_size: Images at once.

    Returns:
        (N, neurons) float32.

    Raises:
        ParameterError: No such module (the nearest are named), one that does not run or returns no tensor of two or
            four axes, an unknown pooling, or no images.
        DataError: A response is not finite; the image and the neuron are named.

    Example:
        >>> import numpy as np
        >>> import torch
        >>> from nbutils.models import module_features
        >>> network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
        >>> module_features(network, "1", np.zeros((2, 8, 8, 3), np.uint8)).shape
        (2, 4)
    """
    find_module(network, path)
    if pooling not in ("mean", "max"):
        raise ParameterError(f"pooling is {pooling!r}: expected 'mean' or 'max'")
    if len(images) == 0:
        raise ParameterError("images has none: expected one or more")
    taps = Taps(network, [path])
    device = device_of(network)
    kept = []
    try:
        with evaluating(network):
            for start in range(0, len(images), batch_size):
                network(prepare(torch.from_numpy(np.ascontiguousarray(images[start : start + batch_size]))).to(device))
                kept.append(_pooled(taps.take()[path], path, pooling))
    finally:
        taps.remove()
    features = torch.cat(kept).numpy()
    bad = np.argwhere(~np.isfinite(features))
    if len(bad):
        image, neuron = map(int, bad[0])
        raise DataError(
            f"'{path}' responds {features[image, neuron]} to image {image} in neuron {neuron} ({len(bad)} places in "
            "all): expected finite numbers"
        )
    return features


def _pooled(output: object, path: str, pooling: Pooling) -> Tensor:
    if not isinstance(output, Tensor) or output.ndim not in (2, 4):
        shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ParameterError(
            f"module '{path}' returns {shape}: expected a tensor (images, neurons) or (images, channels, height, width)"
        )
    if output.ndim == 2:
        return output.float().cpu()
    flat = output.float().flatten(2)
    return (flat.mean(dim=2) if pooling == "mean" else flat.amax(dim=2)).cpu()
