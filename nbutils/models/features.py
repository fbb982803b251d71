"""Features of many images from one network."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from nbutils.data.batches import FaceBatches
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
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    batches = FaceBatches(images, model.input_size, device)
    with evaluating(model):
        kept = [getattr(model(crops), layer).float().cpu() for crops in batches.in_order()]
    return torch.cat(kept).numpy()
