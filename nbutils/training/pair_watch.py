"""What a network in training makes of the verification pairs, from before its first step to after its last.

Losses of different objectives have no common unit, and verification is what they all are for, so this is what their
speeds are compared by (Luo et al. 2016, Fig. 6).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nbutils.data.faces import FaceData
from nbutils.models.base import FaceNetwork
from nbutils.models.features import FeatureLayer, extract_features


class Watched(NamedTuple):
    """Distances of P pairs after T numbers of images.

    Attributes:
        images: (T,) training images seen, from 0 on; an image of a later epoch counts again.
        distances: (T, P) float32 Euclidean distance of each pair's features.
    """

    images: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float32]


def watched_steps(looks: int, total: int) -> npt.NDArray[np.int64]:
    """When to look: 0, then at growing distances up to the last step, since most is learned early.

    Example:
        >>> from nbutils.training.pair_watch import watched_steps
        >>> watched_steps(looks=5, total=160)
        array([  0,  10,  40,  90, 160])
    """
    return np.unique(np.round(total * np.linspace(0, 1, looks) ** 2).astype(np.int64))


class PairWatch:
    """Looks at a network in training and keeps what it saw in files, so that a resumed training keeps it too.

    It draws no random number and leaves the network's mode: a watched training ends in the weights of an unwatched one.

    Args:
        folder: Scratch folder of the training.
        data: Faces to verify, and their pairs.
        layer: Where the network's face representation is.
        looks: How many times to look.
    """

    def __init__(self, folder: Path, data: FaceData, layer: FeatureLayer, looks: int) -> None:
        self._folder, self._layer, self._looks = folder, layer, looks
        sides = np.stack([data.pairs.first, data.pairs.second])
        shown, place = np.unique(sides, return_inverse=True)
        self._images, self._place = data.test.images[shown], place.reshape(sides.shape)

    def look(self, model: FaceNetwork, step: int, total: int) -> None:
        """Records the distances after `step` of `total` steps, if it is time to."""
        if step not in watched_steps(self._looks, total):
            return
        features = extract_features(model, self._images, self._layer)
        distances = np.linalg.norm(features[self._place[0]] - features[self._place[1]], axis=1).astype(np.float32)
        aside = self._folder / "watched.new"
        with aside.open("wb") as stream:
            np.save(stream, distances)
        os.replace(aside, self._file(step))

    def collect(self, total: int, images: int) -> Watched:
        """All that was seen in a training of `total` steps and so many images."""
        steps = watched_steps(self._looks, total)
        distances = [np.load(self._file(int(step)), allow_pickle=False) for step in steps]
        return Watched(steps * images // total, np.stack(distances))

    def _file(self, step: int) -> Path:
        return self._folder / f"watched-{step}.npy"
