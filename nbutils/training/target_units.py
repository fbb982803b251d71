"""The units in which a student learns a teacher's neurons and logits: the objectives up to a constant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nbutils.data.batches import evenly_spread
from nbutils.gpu import device_of
from nbutils.models.base import FaceNetwork
from nbutils.models.evaluating import evaluating
from nbutils.training.teachers import Teacher

#: Of the training images, evenly spread; the root mean square of so many is within a few percent of that of all.
_IMAGES = 1000


@dataclass(frozen=True)
class TargetUnit:
    """Scale and mean of what a student regresses: a teacher's chosen neurons, or its logits.

    Raw targets make the loss, and so its gradient, as large as they happen to be, and no learning rate and no bound on
    the gradient fits two teachers; a last layer that starts small reaches large logits only by gradients that grow a
    hundredfold on the way. Divided by one number, targets keep their proportions: distances between faces, and their
    order, stay as they were. (Ba & Caruana 2014 likewise normalise the logits that they regress.)

    Attributes:
        scale: Root mean square of ‖f − mean f‖ over training faces; 1 where the targets f do not vary.
        mean: (M,) mean target, in this unit.
    """

    scale: float
    mean: npt.NDArray[np.float32]

    @classmethod
    def of_neurons(cls, teacher: Teacher, images: npt.NDArray[np.uint8]) -> TargetUnit:
        """Looks at up to a thousand of N training images, evenly spread."""
        return cls._of(teacher.features(_some(images))[:, teacher.neurons.cpu().numpy()])

    @classmethod
    def of_logits(cls, teacher: Teacher, images: npt.NDArray[np.uint8]) -> TargetUnit:
        """Likewise, of the logits less each image's mean; of an ensemble, of the mean logits."""
        logits = teacher.logits(_some(images)).mean(axis=1)
        return cls._of(logits - logits.mean(axis=1, keepdims=True))

    @classmethod
    def _of(cls, targets: npt.NDArray[np.float32]) -> TargetUnit:
        wide = targets.astype(np.float64)
        mean = wide.mean(axis=0)
        scale = float(np.sqrt(np.square(wide - mean).sum(axis=1).mean())) or 1.0
        return cls(scale, (mean / scale).astype(np.float32))


def _some(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return images[evenly_spread(len(images), _IMAGES)]


@torch.no_grad()
def start_at(network: FaceNetwork, output: npt.NDArray[np.float32]) -> None:
    """Sets the bias of a network's last layer to (M,) values, from which its training then starts.

    Where its output comes from no linear layer with a bias, nothing is changed.
    """
    if (layer := _last_layer(network)) is not None and layer.bias is not None:
        layer.bias.copy_(torch.from_numpy(output))


def _last_layer(network: FaceNetwork) -> nn.Linear | None:
    """The linear layer that returns the network's output."""
    returned: dict[nn.Linear, Tensor] = {}
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    hooks = [module.register_forward_hook(lambda m, _, out: returned.update({m: out})) for module in linear]
    try:
        with evaluating(network):
            black = torch.zeros(2, network.channels, *network.input_size, device=device_of(network))
            output = network(black).output
    finally:
        for hook in hooks:
            hook.remove()
    return next((module for module, out in returned.items() if out is output), None)
