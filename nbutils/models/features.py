"""Features of many images from one network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbutils.data.batches import FaceBatches
from nbutils.gpu import on_best_device
from nbutils.models.base import FaceNetwork
from nbutils.models.evaluating import evaluating

#: Where a network's face representation is: its top hidden layer, or its outputs where it regresses neurons.
FeatureLayer = Literal["features", "output"]


def extract_features(
    model: FaceNetwork, images: npt.NDArray[np.uint8], layer: FeatureLayer = "features"
) -> npt.NDArray[np.float32]:
    """Runs a network in evaluation mode over the central crop of every image.

    Args:
        model: The network; its mode is restored afterwards.
        images: (N, H, W, 3) uint8, at least as large as `model.input_size`.
        layer: Which of `Outputs` to keep.

    Returns:
        (N, F) float32.

    Example:
        >>> import numpy as np
        >>> from nbutils.models import MobileIDStudent, extract_features
        >>> faces = np.zeros((3, 61, 53, 3), np.uint8)
        >>> extract_features(MobileIDStudent(10, width=4), faces).shape
        (3, 512)
    """
    return extract_outputs(model, images, [layer])[0]


def extract_outputs(
    model: FaceNetwork, images: npt.NDArray[np.uint8], names: Sequence[str]
) -> list[npt.NDArray[np.float32]]:
    """As `extract_features`, for several fields of `Outputs` in one pass, in the order of `names`: (N, …) float32."""
    kept: list[list[Tensor]] = [[] for _ in names]
    with on_best_device(model) as device, evaluating(model):
        batches = FaceBatches(images, model.input_size, device)
        for crops in batches.in_order():
            outputs = model(crops)
            for name, rows in zip(names, kept, strict=True):
                rows.append(outputs[name].float().cpu())
    return [torch.cat(rows).numpy() for rows in kept]
