"""The GPU, where there is one: what lies there, and what is computed there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def best_device() -> torch.device:
    """The process's GPU, or the processor where there is none.

    "float32" is float32 there: cuDNN would otherwise round the factors of convolutions to TF32's 10 bits.

    Example:
        >>> from nbutils.gpu import best_device
        >>> best_device().type in ("cuda", "cpu")
        True
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda", torch.cuda.current_device())


@contextmanager
def on_best_device(network: nn.Module) -> Iterator[torch.device]:
    """Moves a network to the GPU, if there is one, and afterwards back to where it was.

    Example:
        >>> from torch import nn
        >>> from nbutils.gpu import on_best_device
        >>> network = nn.Linear(2, 2)
        >>> with on_best_device(network) as device:
        ...     network.weight.device.type == device.type
        True
    """
    home, device = device_of(network), best_device()
    if device.type == home.type:
        device = home
    try:
        network.to(device)
        yield device
    finally:
        network.to(home)


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are; of one without, the processor."""
    return next((parameter.device for parameter in network.parameters()), torch.device("cpu"))


def where_it_fits(values: Tensor, device: torch.device) -> Tensor:
    """The values on a GPU where they take up to a quarter of the memory that is free there, else as they are.

    Example:
        >>> import torch
        >>> from nbutils.gpu import where_it_fits
        >>> values = torch.zeros(2)
        >>> where_it_fits(values, torch.device("cpu")) is values
        True
    """
    if device.type != "cuda" or values.device == device:
        return values
    free, _ = torch.cuda.mem_get_info(device)
    return values.to(device) if values.nbytes <= free / 4 else values
