"""Alignment: how far predicted key points lie from the true ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from nbutils.data.batches import FaceBatches
from nbutils.errors import ParameterError
from nbutils.gpu import on_best_device
from nbutils.models.base import FaceNetwork
from nbutils.models.evaluating import evaluating

#: The normaliser of `normalised_errors`, as captions name it; the paper names none.
NORMALISER = "inter-ocular distance"
#: Groups of faces turned alike.
_TURNS = 5


def predict_landmarks(model: FaceNetwork, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Key points of every image by a network with a head for them.

    Args:
        model: The network; its mode is restored afterwards.
        images: (N, H, W, 3) uint8, at least as large as `model.input_size`; central crops are looked at.

    Returns:
        (N, 5, 2) x, y in pixels of `images`.

    Raises:
        ParameterError: If the network has no key points.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import predict_landmarks
        >>> from nbutils.models import FaceResNet
        >>> network = FaceResNet(5, divisor=8, depth=14, width=16, height=32, breadth=32)
        >>> predict_landmarks(network, np.zeros((2, 32, 32, 3), np.uint8)).shape
        (2, 5, 2)
    """
    found = []
    with on_best_device(model) as device, evaluating(model):
        batches = FaceBatches(images, model.input_size, device)
        for crops in batches.in_order():
            outputs = model(crops)
            if "points" not in outputs:
                raise ParameterError(f"{type(model).__name__} has no head for key points: expected one")
            found.append(batches.central.pixels(outputs.points.float().cpu()))
    return torch.cat(found).numpy()


def normalised_errors(predicted: npt.NDArray[np.floating], true: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Each image's NRMSE: the root of the mean squared distance of its five key points over its inter-ocular distance.

    The mean over images stands in Wang & Lan 2017's Table 3. The paper names neither its normaliser nor how it takes
    the mean; `normalised_mean_errors` is the other usual reading.

    Args:
        predicted: (N, 5, 2) in the order of `Faces.landmarks`, whose first two are the eyes.
        true: (N, 5, 2).

    Raises:
        ParameterError: If the shapes differ, or the eyes of a face coincide.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import normalised_errors
        >>> true = np.array([[[10, 10], [20, 10], [15, 16], [12, 20], [18, 20]]], float)
        >>> normalised_errors(true + [1, 0], true)  # a pixel, where the eyes are ten apart
        array([0.1])
    """
    errors: npt.NDArray[np.float64] = np.sqrt(np.square(_distances(predicted, true)).mean(axis=1))
    return errors


def normalised_mean_errors(
    predicted: npt.NDArray[np.floating], true: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """Each image's NME: the mean distance of its five key points over its inter-ocular distance.

    It is the field's usual error, and at most the NRMSE; arguments and errors as in `normalised_errors`.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import normalised_errors, normalised_mean_errors
        >>> true = np.array([[[10, 10], [20, 10], [15, 16], [12, 20], [18, 20]]], float)
        >>> moved = true.copy()
        >>> moved[0, 2, 1] += 5  # the nose tip alone
        >>> normalised_mean_errors(moved, true), normalised_errors(moved, true).round(3)
        (array([0.1]), array([0.224]))
    """
    errors: npt.NDArray[np.float64] = _distances(predicted, true).mean(axis=1)
    return errors


def _distances(predicted: npt.NDArray[np.floating], true: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """(N, 5) distances of key points in inter-ocular distances."""
    if predicted.shape != true.shape or true.ndim != 3 or true.shape[1:] != (5, 2):
        raise ParameterError(f"predicted is {predicted.shape} and true {true.shape}: expected (N, 5, 2) for both")
    eyes = np.linalg.norm((true[:, 0] - true[:, 1]).astype(np.float64), axis=1)
    if not (eyes > 0).all():
        raise ParameterError(f"the eyes of face {int(np.argmin(eyes))} coincide: expected a distance to normalise by")
    distances: npt.NDArray[np.float64] = np.linalg.norm(predicted.astype(np.float64) - true, axis=2) / eyes[:, None]
    return distances


def head_turn(landmarks: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """How far each face is turned: the nose tip's offset from the middle of the eyes, in inter-ocular distances.

    Key points show it in any data set; 0 is frontal, and a positive value is a turn to the viewer's right.

    Args:
        landmarks: (N, 5, 2) in the order of `Faces.landmarks`.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import head_turn
        >>> frontal = np.array([[[10, 10], [20, 10], [15, 16], [12, 20], [18, 20]]], float)
        >>> turned = frontal.copy()
        >>> turned[0, 2, 0] = 18  # the nose tip
        >>> head_turn(frontal), head_turn(turned)
        (array([0.]), array([0.3]))
    """
    points = landmarks.astype(np.float64)
    across = points[:, 1] - points[:, 0]
    offset = points[:, 2] - (points[:, 0] + points[:, 1]) / 2
    turned: npt.NDArray[np.float64] = (offset * across).sum(axis=1) / np.square(across).sum(axis=1)
    return turned


def errors_by_turn(predicted: Mapping[str, npt.NDArray[np.floating]], true: npt.NDArray[np.floating]) -> pd.DataFrame:
    """Mean NRMSE of faces turned alike, in five groups of about equal size.

    Args:
        predicted: Network to (N, 5, 2).
        true: (N, 5, 2).

    Returns:
        Indexed by the median turn of a group: one column a network, in percent of the inter-ocular distance. Groups
        that are empty, where many faces are turned exactly alike, are left out.

    Example:
        >>> from nbutils.data import SyntheticFaces
        >>> from nbutils.evaluation import errors_by_turn
        >>> true = SyntheticFaces().render(range(50), height=32, width=32).landmarks
        >>> errors = errors_by_turn({"one pixel off": true + [1, 0]}, true)
        >>> errors.shape, bool((errors > 0).all().all())
        ((5, 1), True)
    """
    turned = head_turn(true)
    edges = np.quantile(turned, np.linspace(0, 1, _TURNS + 1))
    group = np.clip(np.searchsorted(edges, turned, side="right") - 1, 0, _TURNS - 1)
    errors = pd.DataFrame({name: 100 * normalised_errors(points, true) for name, points in predicted.items()})
    means = errors.groupby(group).mean()
    return means.set_axis(pd.Series(turned).groupby(group).median(), axis=0).rename_axis("turn")
