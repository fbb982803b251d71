"""A network as it is deployed: its face representation, and nothing that only training needs."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nbutils.models.base import FaceNetwork
from nbutils.models.features import FeatureLayer


class Deployed(nn.Module):
    """Maps images to the face representation of a network, or of several, concatenated (an ensemble).

    The networks are copied; their `training_only` parts are dropped.

    Args:
        networks: One or more; each sees the whole input, or its own region of it (`FaceNetwork.look_at`).
        layer: Which of `Outputs` the representation is.

    Example:
        >>> import torch
        >>> from nbutils.models import Deployed, MobileIDStudent
        >>> students = [MobileIDStudent(10, width=4) for _ in range(2)]
        >>> Deployed(students)(torch.zeros(1, 3, 55, 47)).shape
        torch.Size([1, 1024])
    """

    def __init__(self, networks: Sequence[FaceNetwork], layer: FeatureLayer = "features") -> None:
        super().__init__()
        self.layer = layer
        self.networks = nn.ModuleList(_stripped(network) for network in networks)
        self.requires_grad_(False)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Maps (B, 3, H, W) images in [−1, 1] to (B, F)."""
        return torch.cat([getattr(network(images), self.layer) for network in self.networks], dim=1)


def _stripped(network: FaceNetwork) -> FaceNetwork:
    stripped = copy.deepcopy(network)
    for name in network.training_only:
        setattr(stripped, name, nn.Identity())
    return stripped
