"""Frozen teachers, one or an ensemble, as a source of targets: online, or cached once for all images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nbutils.models import FaceNetwork, extract_features


class Targets(NamedTuple):
    """What a teacher says of B images.

    Attributes:
        neurons: (B, M) the chosen neurons.
        logits: (B, N); of an ensemble, the mean.
        features: (B, F) the whole top hidden layer, of an ensemble concatenated.
        middle: (B, C, h, w) the map half way up of a single network that has one, else None.
        each: (K, B, N) the logits of each network of an ensemble, else None.
    """

    neurons: Tensor
    logits: Tensor
    features: Tensor
    middle: Tensor | None = None
    each: Tensor | None = None


class Teacher(nn.Module):
    """One network, or an ensemble whose neurons are concatenated and whose predictions are averaged (Luo et al. 2016).

    All its networks take the same crops; which region of them each one sees is its own affair (`FaceNetwork.view`). It
    cannot be put in training mode and has no gradients.

    Args:
        networks: Trained networks with a `classifier` on top of their features.
        neurons: Positions of the chosen neurons among the concatenated features; None: all.
    """

    def __init__(self, networks: Sequence[FaceNetwork], neurons: npt.NDArray[np.int64] | None = None) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        width = sum(cast(nn.Linear, network.classifier).in_features for network in networks)
        chosen = torch.arange(width) if neurons is None else torch.from_numpy(neurons)
        self.neurons: Tensor
        self.register_buffer("neurons", chosen)
        self.requires_grad_(False)
        super().train(False)

    def train(self, mode: bool = True) -> Teacher:
        """Stays in evaluation mode whatever is asked."""
        return self

    @property
    def num_neurons(self) -> int:
        """Number of chosen neurons."""
        return len(self.neurons)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Targets:
        """Maps (B, 3, H, W) images to the targets."""
        outputs = [network(images) for network in self.networks]
        targets = self._targets([out.features for out in outputs])
        return targets._replace(middle=outputs[0].middle) if len(outputs) == 1 else targets

    @torch.no_grad()
    def from_features(self, features: Tensor) -> Targets:
        """The same, but for the middle, from (B, F) features of all networks, concatenated."""
        widths = [cast(nn.Linear, network.classifier).in_features for network in self.networks]
        return self._targets(list(torch.split(features, widths, dim=1)))

    def _targets(self, features: list[Tensor]) -> Targets:
        logits = [cast(nn.Linear, net.classifier)(f) for net, f in zip(self.networks, features, strict=True)]
        joined = torch.cat(features, dim=1)
        if len(logits) == 1:
            return Targets(joined[:, self.neurons], logits[0], joined)
        each = torch.stack(logits)
        return Targets(joined[:, self.neurons], each.mean(dim=0), joined, each=each)

    def features(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """(N, F) features of all networks over central crops; N images as in `extract_features`."""
        return np.concatenate([extract_features(cast(FaceNetwork, n), images) for n in self.networks], axis=1)


def write_features(teacher: Teacher, images: npt.NDArray[np.uint8], file: Path) -> None:
    """Caches the teacher's features as a .npy file.

    Hidden features whole are all that is needed: the logits are one small product away (`Teacher.from_features`),
    so that soft targets at any temperature stay exact without storing a row of 12,294 for each image.
    """
    np.save(file, teacher.features(images))


def read_features(file: Path) -> Tensor:
    """Opens a cache, memory-mapped copy-on-write (torch wants writeable memory; nothing writes)."""
    return torch.from_numpy(np.load(file, mmap_mode="c", allow_pickle=False))
