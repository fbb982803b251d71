"""Classification among known people."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import log_softmax, softmax
from torch import nn

from nbutils.data.faces import Faces
from nbutils.errors import ParameterError
from nbutils.models.base import FaceNetwork
from nbutils.models.features import extract_features


def recognised(model: FaceNetwork, faces: Faces) -> npt.NDArray[np.bool_]:
    """(N,) whether the network's largest logit names the person of each face (top-1).

    Example:
        >>> from nbutils.data import Faces, SyntheticFaces
        >>> from nbutils.evaluation import recognised
        >>> from nbutils.models import MobileIDStudent
        >>> faces = SyntheticFaces(images_per_identity=2).render(range(6), height=55, width=47)
        >>> names = ("Ann", "Bob", "Cleo")
        >>> recognised(MobileIDStudent(3, width=4), Faces(faces.images, faces.identity, names)).shape
        (6,)
    """
    correct: npt.NDArray[np.bool_] = extract_features(model, faces.images, "output").argmax(axis=1) == faces.identity
    return correct


def regressed_logits(
    outputs: npt.NDArray[np.float32],
    neurons: npt.NDArray[np.int64],
    unit: float,
    teacher_mean: npt.NDArray[np.float32],
    classifier: nn.Linear,
) -> npt.NDArray[np.float32]:
    """Logits of the teacher's classifier on the neurons that a student regressed (Luo et al. 2016, MNIST).

    The paper does not say how such a student names a digit. This needs no further training: its outputs take the
    teacher's neurons' place, and the neurons that it did not learn stand at their mean.

    Args:
        outputs: (N, M) the student's.
        neurons: (M,) positions of the regressed neurons among the teacher's F.
        unit: What training divided these by, the student's metric "neuron unit".
        teacher_mean: (F,) mean responses of the teacher's neurons over the training images.
        classifier: The teacher's, from F neurons to the classes.

    Returns:
        (N, classes).

    Raises:
        ParameterError: If the widths do not fit.

    Example:
        >>> import numpy as np
        >>> import torch
        >>> from nbutils.evaluation import regressed_logits
        >>> classifier = torch.nn.Linear(3, 2, bias=False)
        >>> _ = torch.nn.init.ones_(classifier.weight)
        >>> outputs, mean = np.array([[2.5]], np.float32), np.array([1.0, 0.0, 2.0], np.float32)
        >>> regressed_logits(outputs, np.array([1]), 2.0, mean, classifier)  # 1 + 2 · 2.5 + 2
        array([[8., 8.]], dtype=float32)
    """
    if outputs.shape[1:] != neurons.shape or teacher_mean.shape != (classifier.in_features,):
        raise ParameterError(
            f"outputs {outputs.shape}, neurons {neurons.shape} and mean {teacher_mean.shape} do not fit: expected "
            f"(N, M), (M,) and ({classifier.in_features},)"
        )
    whole = np.tile(teacher_mean, (len(outputs), 1))
    whole[:, neurons] = unit * outputs
    with torch.inference_mode():
        logits: npt.NDArray[np.float32] = classifier(torch.from_numpy(whole)).numpy()
    return logits


def effective_classes(logits: npt.NDArray[np.floating], temperature: float) -> float:
    """exp(H) of softmax(logits / t): among how many classes the soft target spreads, from 1 to all N.

    Args:
        logits: (N,).
        temperature: t > 0, or infinity.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import effective_classes
        >>> logits = np.array([4.0, 1.0, 0.0, 0.0])
        >>> [round(effective_classes(logits, t), 2) for t in (1, 5, float("inf"))]
        [1.43, 3.76, 4.0]
    """
    softened = softmax(np.asarray(logits, np.float64) / temperature)
    return float(np.exp(-(softened * log_softmax(np.asarray(logits, np.float64) / temperature)).sum()))
