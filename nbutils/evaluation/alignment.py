"""Alignment: how far predicted key points lie from the true ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from nbutils.data.batches import FaceBatches
from nbutils.errors import ParameterError
from nbutils.models import FaceNetwork
from nbutils.models.evaluating import evaluating

#: The normaliser of `normalised_errors`, as captions name it; the paper names none.
NORMALISER = "inter-ocular distance"


def predict_landmarks(model: FaceNetwork, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Key points of every image by a network with a head for them.

    Args:
        model: The network; its mode is restored afterwards.
        images: (N, H, W, 3) uint8, at least as large as `model.input_size`; central crops are looked at.

    Returns:
        (N, 5, 2) x, y in pixels of `images`.

    Raises:
        ParameterError: If the network has no key points.
    """
    device = next(model.parameters()).device
    batches = FaceBatches(images, model.input_size, device)
    found = []
    with evaluating(model):
        for crops in batches.in_order():
            points = model(crops).points
            if points is None:
                raise ParameterError(f"{type(model).__name__} has no head for key points: expected one")
            found.append(batches.central.pixels(points.float().cpu()))
    return torch.cat(found).numpy()


def normalised_errors(predicted: npt.NDArray[np.floating], true: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Each image's error: the mean distance of its five key points over its inter-ocular distance.

    The mean over images is the NRMSE of Wang & Lan 2017 (Table 3) in the field's usual form; the paper does not name
    its normaliser.

    Args:
        predicted: (N, 5, 2) in the order of `Faces.landmarks`, whose first two are the eyes.
        true: (N, 5, 2).

    Raises:
        ParameterError: If the shapes differ, or the eyes of a face coincide.
    """
    if predicted.shape != true.shape or true.ndim != 3 or true.shape[1:] != (5, 2):
        raise ParameterError(f"predicted is {predicted.shape} and true {true.shape}: expected (N, 5, 2) for both")
    eyes = np.linalg.norm((true[:, 0] - true[:, 1]).astype(np.float64), axis=1)
    if not (eyes > 0).all():
        raise ParameterError(f"the eyes of face {int(np.argmin(eyes))} coincide: expected a distance to normalise by")
    distances = np.linalg.norm(predicted.astype(np.float64) - true, axis=2)
    errors: npt.NDArray[np.float64] = distances.mean(axis=1) / eyes
    return errors
