"""Discriminativeness for data without attributes: every class against the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from nbutils.errors import ParameterError
from nbutils.selection.discriminativeness import attribute_discriminativeness, chance_level

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClassDiscriminativeness:
    """Balanced accuracies of neurons for classes against the rest."""

    values: FloatArray
    """(neurons, classes) balanced accuracies in [0.5, 1]."""
    classes: npt.NDArray[np.int64]
    """(classes,) their identities, the one with most images first."""
    chance: FloatArray
    """(classes,) the level below which a neuron without information stays (see `chance_level`)."""
    note: str
    """Which classes were used, as a sentence."""


def class_discriminativeness(
    features: npt.ArrayLike | torch.Tensor,
    identity: npt.ArrayLike,
    *,
    min_images: int = 20,
    max_classes: int = 40,
) -> ClassDiscriminativeness:
    """How well each neuron separates single classes from the rest, where a data set has no attributes.

    Uses the classes with at least `min_images` images, `max_classes` of them at most (as many as CelebA has
    attributes), the largest first. If none has that many, the largest with two images or more are used.

    Args:
        features: (images, neurons) responses, finite.
        identity: (images,) whole numbers, the class of every image.
        min_images: images that a class should have.
        max_classes: the most classes to use.

    Returns:
        The accuracies, the classes they belong to, and a note that says which.

    Raises:
        ParameterError: the shapes disagree, a response is not finite, there is only one class, or no class has two
            images.

    Example:
        >>> import numpy as np
        >>> from nbutils.selection import class_discriminativeness
        >>> responses = np.array([[0.9], [0.8], [0.1], [0.2], [0.1], [0.3]])
        >>> found = class_discriminativeness(responses, np.array([0, 0, 1, 1, 2, 2]))
        >>> found.values.round(2), found.classes
        (array([[1.  , 0.88, 0.75]]), array([0, 1, 2]))
    """
    labels = np.asarray(identity)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ParameterError(
            f"identity has shape {labels.shape} and type {labels.dtype}; expected (images,) whole numbers"
        )
    for name, value in (("min_images", min_images), ("max_classes", max_classes)):
        if value < 1:
            raise ParameterError(f"{name} is {value}; expected 1 or more")
    classes, images = np.unique(labels, return_counts=True)
    if len(classes) < 2 or images.max() < 2:
        raise ParameterError(
            f"identity has {len(classes)} classes with {images.max(initial=0)} images at most; expected two classes "
            "and two images of one"
        )
    enough = images >= min_images
    note = f"classes with at least {min_images} images"
    if not enough.any():
        enough = images >= 2
        note = f"largest classes, as none has {min_images} images"
    largest = np.flatnonzero(enough)[np.argsort(-images[enough], kind="stable")][:max_classes]
    present = labels[:, None] == classes[largest]
    return ClassDiscriminativeness(
        values=attribute_discriminativeness(features, present),
        classes=classes[largest].astype(np.int64),
        chance=chance_level(present),
        note=f"Each of the {len(largest)} {note} ({images[largest].min()} to {images[largest].max()} images) is "
        "separated from the rest.",
    )
