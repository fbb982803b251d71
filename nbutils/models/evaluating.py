"""Running a network without training it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """In evaluation mode and without gradients; the network's own mode is restored, also after a failure."""
    was_training = network.training
    try:
        network.eval()
        with torch.inference_mode():
            yield
    finally:
        network.train(was_training)
