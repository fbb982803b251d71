"""A network's layers as a table, measured on the network itself (Luo et al. 2016, Table 1)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from nbutils.evaluation.efficiency import count_parameters
from nbutils.models.base import FaceNetwork
from nbutils.models.layers import LocallyConnected2d

_KINDS: dict[type[nn.Module], str] = {
    nn.Conv2d: "conv",
    LocallyConnected2d: "lconv",
    nn.MaxPool2d: "pool",
    nn.Linear: "fc",
}


def layer_table(network: FaceNetwork) -> pd.DataFrame:
    """The layers in the order in which they run, with the sizes that one image finds there.

    Args:
        network: Its mode and weights are left as they are. On torch's meta device, nothing is computed but shapes.

    Returns:
        Indexed by the module's name: kind (conv, lconv, pool, fc), kernel (0 for fc), channels, height, width
        (1 for fc), parameters, training_only (whether inference does without).

    Example:
        >>> from nbutils.evaluation import layer_table
        >>> from nbutils.models import MobileIDStudent
        >>> layer_table(MobileIDStudent(422, width=4))[["kind", "channels", "parameters"]].head(3)
                  kind  channels  parameters
        layer
        group1    conv         4         196
        group2.0  pool         4           0
        group3    conv         4         148
    """
    rows: dict[str, dict[str, Any]] = {}

    def record(name: str, layer: nn.Module, out: Tensor) -> None:
        kernel = getattr(layer, "kernel_size", 0)
        _, channels, height, width = (*out.shape, 1, 1)[:4]
        rows[name] = {
            "kind": _KINDS[type(layer)],
            "kernel": kernel[0] if isinstance(kernel, tuple) else kernel,
            "channels": channels,
            "height": height,
            "width": width,
            "parameters": sum(p.numel() for p in layer.parameters()),
            "training_only": name.split(".")[0] in network.training_only,
        }

    hooks = [
        layer.register_forward_hook(lambda layer, _, out, name=name: record(name, layer, out))
        for name, layer in network.named_modules()
        if type(layer) in _KINDS
    ]
    image = torch.zeros(1, 3, *network.input_size, device=next(network.parameters()).device)
    was_training = network.training
    try:
        with torch.no_grad():
            network.train()(image)  # in training mode, so that the supervision heads run too
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("layer")


def in_groups(layers: pd.DataFrame) -> pd.DataFrame:
    """The same with convolutions that follow each other directly joined, as Table 1 prints T2's.

    Args:
        layers: From `layer_table`.

    Returns:
        One row a group, named by its first layer: the size of its last layer, the parameters of all.

    Example:
        >>> from nbutils.evaluation import in_groups, layer_table
        >>> from nbutils.models import DeepID3
        >>> layers = layer_table(DeepID3(10, width=4))
        >>> len(layers), len(in_groups(layers))
        (22, 18)
    """
    joins = (layers["kind"] == "conv") & (layers["kind"].shift() == "conv")
    groups = layers.reset_index().groupby((~joins).cumsum().to_numpy())
    joined = groups.last().assign(layer=groups["layer"].first(), parameters=groups["parameters"].sum())
    return joined.set_index("layer")


def with_shared_filters(network: FaceNetwork) -> int:
    """Parameters at test time if every locally connected layer were a convolution with the same kernels.

    Args:
        network: It is only counted.

    Example:
        >>> from nbutils.evaluation import count_parameters, with_shared_filters
        >>> from nbutils.models import DeepID2Plus
        >>> teacher = DeepID2Plus(10, width=4)
        >>> count_parameters(teacher).inference - with_shared_filters(teacher)  # (80 − 1) × 148 + (12 − 1) × 68
        12440
    """
    layers = [module for module in network.modules() if isinstance(module, LocallyConnected2d)]
    saved = sum(p.numel() - p.numel() // len(p) for layer in layers for p in layer.parameters())
    return count_parameters(network).inference - saved
