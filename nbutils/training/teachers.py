"""Frozen teachers, one or an ensemble, as a source of targets: online, or cached once for all images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nbutils.gpu import device_of
from nbutils.models.base import FaceNetwork, Outputs
from nbutils.models.features import FeatureLayer, extract_outputs


class _Member(NamedTuple):
    """One network of a teacher.

    Attributes:
        network: Any face network.
        layer: Where its neurons are.
        width: Their number.
        logits: Number of its logits; 0: it has none.
        derives_logits: Whether these follow from its features alone.
    """

    network: FaceNetwork
    layer: FeatureLayer
    width: int
    logits: int
    derives_logits: bool


class Answers(NamedTuple):
    """What a teacher's networks return for B images, whichever neurons are chosen.

    Attributes:
        features: (B, F) of each network.
        logits: (B, N) of each network; none: it has no logits.
        further: What a single network returns besides, by name.
    """

    features: list[Tensor]
    logits: list[Tensor]
    further: dict[str, Any]


class Teacher(nn.Module):
    """One network, or an ensemble whose neurons are concatenated and whose predictions are averaged (Luo et al. 2016).

    All its networks take the same crops; each may look at its own region of them (`FaceNetwork.view`). It
    cannot be put in training mode and has no gradients.

    Args:
        networks: Trained networks.
        neurons: Positions of the chosen neurons among the concatenated features; None: all.
        layers: Where each network's neurons are; None: in the features of all. Of a network that itself regresses
            neurons they are its output, and it has no logits.
        scale: The unit of the neurons as targets; see `nbutils.training.target_units`.
        logit_unit: That of its logits, for losses that ask for it.

    Example:
        >>> from nbutils.models import MobileIDStudent
        >>> teacher = Teacher([MobileIDStudent(5, width=4)], neurons=np.array([0, 7]))
        >>> {name: tuple(value.shape) for name, value in teacher(torch.zeros(3, 3, 55, 47)).items()}
        {'features': (3, 512), 'neurons': (3, 2), 'logits': (3, 5), 'logit_unit': (3, 1)}
    """

    def __init__(
        self,
        networks: Sequence[FaceNetwork],
        neurons: npt.NDArray[np.int64] | None = None,
        layers: Sequence[FeatureLayer] | None = None,
        scale: float = 1.0,
        logit_unit: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.logit_unit = scale, logit_unit
        self.networks = nn.ModuleList(networks)
        self.requires_grad_(False)
        super().train(False)
        where: Sequence[FeatureLayer] = layers or ["features"] * len(networks)
        self._members = [_member(network, layer) for network, layer in zip(networks, where, strict=True)]
        chosen = torch.arange(sum(self._widths)) if neurons is None else torch.from_numpy(neurons)
        self.neurons: Tensor
        self.register_buffer("neurons", chosen)

    def train(self, mode: bool = True) -> Teacher:
        """Stays in evaluation mode whatever is asked."""
        return self

    @property
    def num_neurons(self) -> int:
        """Number of chosen neurons."""
        return len(self.neurons)

    @property
    def num_logits(self) -> int:
        """Number of logits of each of its networks; 0: not all of them have logits, or not as many."""
        numbers = {member.logits for member in self._members}
        return numbers.pop() if len(numbers) == 1 else 0

    @property
    def root(self) -> nn.Module:
        """Where the dotted paths of its modules begin: the network, or the list of an ensemble's networks."""
        return self._members[0].network.root if len(self._members) == 1 else self.networks

    @property
    def must_keep_logits(self) -> bool:
        """Whether it has logits that do not follow from its features, so that a cache must hold both."""
        return self._has_logits and not all(member.derives_logits for member in self._members)

    def choose(self, neurons: npt.NDArray[np.int64]) -> Teacher:
        """The same networks, with these neurons chosen."""
        return self._with(neurons, self.scale, self.logit_unit)

    def in_units(self, scale: float | None = None, logit_unit: float | None = None) -> Teacher:
        """The same networks and neurons.

        Args:
            scale: What the neurons, as targets, are divided by; None: as before.
            logit_unit: What the signal of that name says; None: as before.
        """
        return self._with(self.neurons.cpu().numpy(), scale or self.scale, logit_unit or self.logit_unit)

    def _with(self, neurons: npt.NDArray[np.int64], scale: float, logit_unit: float) -> Teacher:
        networks = [member.network for member in self._members]
        return Teacher(networks, neurons, [member.layer for member in self._members], scale, logit_unit)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 3, H, W) images to the signals of `nbutils.losses.Signals.teacher`."""
        return self.signals(self.answer(images))

    @torch.no_grad()
    def answer(self, images: Tensor) -> Answers:
        """Runs its networks on (B, 3, H, W) images."""
        outputs = [member.network(images) for member in self._members]
        features = [out[member.layer] for out, member in zip(outputs, self._members, strict=True)]
        logits = [out.output for out in outputs] if self._has_logits else []
        alone = outputs[0] if len(outputs) == 1 else {}
        return Answers(features, logits, {name: alone[name] for name in alone if name != "output"})

    def signals(self, answers: Answers) -> Outputs:
        """What losses read, with its own neurons chosen, of the answers of its networks."""
        return Outputs(answers.further | self._signals(answers.features, answers.logits))

    @torch.no_grad()
    def from_cached(self, features: Tensor, logits: Tensor | None = None) -> Outputs:
        """The same signals, but for what only a run gives, from what is cached.

        Args:
            features: (B, F) of all networks, concatenated.
            logits: (B, K, N) of K networks; None: they follow from the features, or there are none.
        """
        parts = list(torch.split(features, self._widths, dim=1))
        if logits is not None:
            return self._signals(parts, list(logits.unbind(dim=1)))
        if not self._has_logits:
            return self._signals(parts, [])
        derived = [member.network.output_from(part) for member, part in zip(self._members, parts, strict=True)]
        return self._signals(parts, cast(list[Tensor], derived))

    def features(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """(N, F) features of all networks over central crops; N images as in `extract_features`."""
        each = [extract_outputs(member.network, images, [member.layer])[0] for member in self._members]
        return np.concatenate(each, axis=1)

    def logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """(N, K, C) logits of K networks over central crops."""
        return np.stack([extract_outputs(member.network, images, ["output"])[0] for member in self._members], axis=1)

    @property
    def _widths(self) -> list[int]:
        return [member.width for member in self._members]

    @property
    def _has_logits(self) -> bool:
        return self.num_logits > 0

    def _signals(self, features: list[Tensor], logits: list[Tensor]) -> Outputs:
        joined = torch.cat(features, dim=1)
        signals = Outputs(features=joined, neurons=joined[:, self.neurons] / self.scale)
        if len(logits) > 1:
            signals["each"] = torch.stack(logits)
            signals["logits"] = signals.each.mean(dim=0)
        elif logits:
            signals["logits"] = logits[0]
        if logits:
            signals["logit_unit"] = joined.new_full((len(joined), 1), self.logit_unit, dtype=torch.float32)
        return signals


def write_answers(teacher: Teacher, images: npt.NDArray[np.uint8], folder: Path) -> None:
    """Caches a teacher's answers to plain images: features.npy, and logits.npy where these do not follow from them.

    Hidden features whole are enough where the logits are one small product away (`FaceNetwork.output_from`), so that
    soft targets at any temperature stay exact without a row of 12,294 for each image.
    """
    np.save(folder / "features.npy", teacher.features(images))
    if teacher.must_keep_logits:
        np.save(folder / "logits.npy", teacher.logits(images))


def read_answers(folder: Path) -> tuple[Tensor, Tensor | None]:
    """Features and logits of `write_answers`, memory-mapped copy-on-write (torch wants writeable memory)."""
    files = [folder / "features.npy", folder / "logits.npy"]
    features, *logits = (
        torch.from_numpy(np.load(file, mmap_mode="c", allow_pickle=False)) for file in files if file.is_file()
    )
    return features, logits[0] if logits else None


def _member(network: FaceNetwork, layer: FeatureLayer) -> _Member:
    """Looks at what a network gives for two black images."""
    with torch.no_grad():
        outputs = network(torch.zeros(2, network.channels, *network.input_size, device=device_of(network)))
        logits = outputs.output.shape[1] if layer == "features" and "output" in outputs else 0
        derives = bool(logits) and network.output_from(outputs.features) is not None
    return _Member(network, layer, outputs[layer].shape[1], logits, derives)
