"""Neuron selection as a tool: any module of any network, any binary attributes, any partition of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import nn

from nbutils.data.pixels import to_unit_range
from nbutils.errors import ParameterError
from nbutils.models.probing import Pooling, Prepare, module_features
from nbutils.selection.discriminativeness import attribute_discriminativeness, chance_level
from nbutils.selection.neurons import LAMBDA, SELECTIVE_AT, NeuronSelection, select_neurons

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ModuleSelection:
    """The neurons of one module of a network, what they respond to, and which are chosen.

    Attributes:
        path: Of the module.
        names: Of the attributes.
        identity_related: (attributes,) True for IA.
        features: (images, neurons) responses to the validation images.
        discriminativeness: (neurons, attributes) balanced accuracies.
        selection: The choice.
    """

    path: str
    names: tuple[str, ...]
    identity_related: npt.NDArray[np.bool_]
    features: npt.NDArray[np.float32]
    discriminativeness: FloatArray
    selection: NeuronSelection

    def table(self) -> pd.DataFrame:
        """One row a neuron, the likeliest choice first.

        Columns: chosen, q (probability in the field of the others), cost Φ, group, best IA and best NA attribute with
        their balanced accuracies in percent.
        """
        x, related, names = self.discriminativeness, self.identity_related, np.array(self.names)
        frame = pd.DataFrame(
            {
                "chosen": self.selection.mask,
                "q": self.selection.marginals,
                "cost Φ": self.selection.unary_costs,
                "group": self.selection.groups,
                "best IA": names[related][x[:, related].argmax(axis=1)],
                "IA, %": 100 * x[:, related].max(axis=1),
                "best NA": names[~related][x[:, ~related].argmax(axis=1)],
                "NA, %": 100 * x[:, ~related].max(axis=1),
            }
        ).rename_axis("neuron")
        return frame.sort_values(["q", "cost Φ"], ascending=[False, True], kind="stable")


def select_from_module(
    network: nn.Module,
    path: str,
    images: npt.NDArray[np.uint8],
    attributes: npt.NDArray[np.bool_],
    names: Sequence[str],
    identity_related: Collection[str],
    *,
    known: npt.NDArray[np.bool_] | None = None,
    count: int | None = None,
    lam: float = LAMBDA,
    prepare: Prepare = to_unit_range,
    pooling: Pooling = "mean",
) -> ModuleSelection:
    """Chooses neurons of any module by Eq. 2 of Luo et al. 2016.

    Nothing in it is about faces: with other things, IA are the attributes that a representation should keep, and NA
    those that it should forget.

    Args:
        network: Any.
        path: Of the module whose units, or channels, are the neurons; see `nbutils.models.module_features`.
        images: (N, H, W, C) uint8, not those that the network was trained on.
        attributes: (N, A) bool, each with both values.
        names: (A,) of the attributes.
        identity_related: Names of those that are IA; all others are NA. At least two of each.
        known: (N, A) bool, where the attributes are known; None: everywhere.
        count: Neurons to choose; None: what the energy prefers.
        lam: λ of Eq. 2.
        prepare: Maps a batch (B, H, W, C) uint8 to the network's input.
        pooling: Of a map's positions.

    Returns:
        Responses, accuracies, and the choice.

    Raises:
        ParameterError: A path, name, count or attribute that does not fit; the error says which.
        DataError: A response is not finite.

    Example:
        >>> import torch
        >>> from nbutils.data import ATTRIBUTES, SyntheticFaces
        >>> from nbutils.selection import select_from_module
        >>> _ = torch.manual_seed(0)
        >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 8), torch.nn.ReLU())
        >>> names = ("Male", "Young", "Smiling", "Blurry")
        >>> faces = SyntheticFaces(images_per_identity=1).render(range(300), height=16, width=16)
        >>> attributes = faces.attributes[:, [ATTRIBUTES.index(name) for name in names]]
        >>> found = select_from_module(network, "1", faces.images, attributes, names, ["Male", "Young"], count=3)
        >>> found.discriminativeness.shape, len(found.selection.indices)
        ((8, 4), 3)
    """
    images, attributes = np.asarray(images), np.asarray(attributes)
    if attributes.shape != (len(images), len(names)):
        raise ParameterError(
            f"attributes have shape {attributes.shape}: expected {(len(images), len(names))}, images × names"
        )
    unknown = [name for name in identity_related if name not in names]
    if unknown:
        raise ParameterError(f"identity_related names {unknown[0]!r}: expected some of {', '.join(names)}")
    related = np.array([name in identity_related for name in names])
    features = module_features(network, path, images, prepare=prepare, pooling=pooling)
    x = attribute_discriminativeness(features, attributes, known)
    level = np.maximum(chance_level(attributes, known), SELECTIVE_AT)
    chosen = select_neurons(x, related, lam=lam, count=count, selective_at=level)
    return ModuleSelection(path, tuple(names), related, features, x, chosen)
