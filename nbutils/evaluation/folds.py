"""Verification where every fold is tested by a model of its own (the † rows of Luo et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from nbutils.data.faces import Faces, Pairs
from nbutils.errors import ParameterError
from nbutils.evaluation.verification import VerificationResult, evaluate_pairs, people_of_pairs

Features = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]


def evaluate_folds(models: Sequence[Features], faces: Faces, pairs: Pairs) -> VerificationResult:
    """Verify each fold's pairs by the model that has not seen them; one ROC curve over all of them.

    The models must agree on the scale of their features, as students do that regress the same neurons.

    Args:
        models: One a fold, in order: images to (N, D) features.
        faces: Those that the pairs index.
        pairs: The verification list.

    Raises:
        ParameterError: If there is not one model for each fold.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Faces, Pairs
        >>> from nbutils.evaluation import evaluate_folds
        >>> same, folds = np.arange(40) % 2 == 0, np.arange(40) // 20
        >>> images = np.random.default_rng(0).integers(256, size=(80, 4, 4, 3), dtype=np.uint8)
        >>> people = np.arange(80)
        >>> people[40:][same] = people[:40][same]
        >>> faces = Faces(images, people, tuple(f"person {number}" for number in people))
        >>> pairs = Pairs(np.arange(40), np.where(same, np.arange(40), np.arange(40, 80)), same, folds)
        >>> models = [lambda faces: faces.mean(axis=(1, 2)), lambda faces: faces.std(axis=(1, 2))]
        >>> evaluate_folds(models, faces, pairs).fold_accuracies
        array([1. , 0.9])
    """
    folds = np.unique(pairs.fold)
    if not np.array_equal(folds, np.arange(len(models))):
        raise ParameterError(f"there are {len(models)} models for {len(folds)} folds: expected one a fold")
    sides: list[npt.NDArray[np.float32]] = []
    for fold, model in enumerate(models):
        rows = np.flatnonzero(pairs.fold == fold)
        shown, place = np.unique(np.stack([pairs.first[rows], pairs.second[rows]]), return_inverse=True)
        sides.append(model(faces.images[shown])[place.reshape(2, -1)])
    order = np.argsort(np.argsort(pairs.fold, kind="stable"), kind="stable")
    first, second = np.concatenate(sides, axis=1)[:, order]
    return evaluate_pairs(first, second, pairs.same, pairs.fold, people_of_pairs(faces, pairs))


def people_in_several_folds(pairs: Pairs, identity: npt.NDArray[np.int64]) -> tuple[int, int]:
    """How many of the people whom the pairs show are in more than one fold, and how many there are in all.

    The folds of LFW's View 2 share nobody. A list without folds, such as LFW's development list, is dealt into ten by
    pair, so that one person may be found in several.

    Args:
        pairs: The verification list.
        identity: (N,) person of each image that it is about.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Pairs
        >>> from nbutils.evaluation import people_in_several_folds
        >>> pairs = Pairs(np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([True, False, True]), np.array([0, 0, 1]))
        >>> people_in_several_folds(pairs, np.array([7, 7, 8, 8]))
        (1, 2)
    """
    shown = np.concatenate([np.stack([identity[side], pairs.fold]) for side in (pairs.first, pairs.second)], axis=1)
    _, folds = np.unique(np.unique(shown, axis=1)[0], return_counts=True)
    return int((folds > 1).sum()), len(folds)
