"""Random splits by image over the same people: some of each person's images to learn from, the others to test."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nbutils.data.faces import Faces
from nbutils.errors import ParameterError


def held_out_images(identity: npt.NDArray[np.int64], share: float, seed: int = 0) -> npt.NDArray[np.bool_]:
    """Marks a random share of each person's images, so that every person keeps at least one.

    Args:
        identity: (N,) identity of every image.
        share: Of each person's images, rounded to whole ones, in (0, 1); 0.2 for an 80/20 split.
        seed: Of the draw.

    Returns:
        (N,) bool, True for the images held out.

    Raises:
        ParameterError: If the share is out of range.
    """
    if not 0 < share < 1:
        raise ParameterError(f"the share of images held out is {share}: expected a value in (0, 1)")
    order = np.random.default_rng(seed).permutation(len(identity))
    held_out = np.zeros(len(identity), np.bool_)
    for person in np.unique(identity):
        own = order[identity[order] == person]
        held_out[own[: min(round(share * len(own)), len(own) - 1)]] = True
    return held_out


def take_images(faces: Faces, keep: npt.NDArray[np.bool_]) -> Faces:
    """The marked images, with the numbers and names of all people unchanged."""
    attributes = None if faces.attributes is None else faces.attributes[keep]
    landmarks = None if faces.landmarks is None else faces.landmarks[keep]
    return Faces(faces.images[keep], faces.identity[keep], faces.identity_names, attributes, landmarks)
