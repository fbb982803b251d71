"""What is held out of a training: a share of each person's images, the images of one fold, or whole people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from nbutils.data.faces import FaceData, Faces, Pairs
from nbutils.data.hashing import uniforms
from nbutils.data.pairs import draw_pairs
from nbutils.errors import ParameterError

#: Sets these random numbers apart from those of the embedded faces.
_STREAM = 0x5B117
#: Matched pairs of people held out, and mismatched ones, at most: as many as LFW's list has.
_PAIRS = 3000


def shuffled(count: int, seed: int) -> npt.NDArray[np.int64]:
    """A random order of 0 … count − 1, by integer arithmetic alone: equal on every platform and in every version."""
    return np.argsort(uniforms(seed, _STREAM, np.arange(count), 1)[:, 0], kind="stable").astype(np.int64)


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

    Example:
        >>> import numpy as np
        >>> from nbutils.data import held_out_images
        >>> held_out_images(np.repeat([0, 1], 5), 0.2).reshape(2, 5).sum(axis=1).tolist()
        [1, 1]
    """
    if not 0 < share < 1:
        raise ParameterError(f"the share of images held out is {share}: expected a value in (0, 1)")
    order = shuffled(len(identity), seed)
    held_out = np.zeros(len(identity), np.bool_)
    for person in np.unique(identity):
        own = order[identity[order] == person]
        held_out[own[: min(round(share * len(own)), len(own) - 1)]] = True
    return held_out


def outside_fold(pairs: Pairs, count: int, fold: int) -> npt.NDArray[np.bool_]:
    """Marks the images that the pairs of other folds show, and those of this fold do not.

    Args:
        pairs: The verification list.
        count: Images that it is about.
        fold: Which to leave out.

    Returns:
        (count,) bool.

    Raises:
        ParameterError: If there is no such fold, or no image is left.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Pairs, outside_fold
        >>> pairs = Pairs(np.array([0, 2]), np.array([1, 3]), np.array([True, False]), np.array([0, 1]))
        >>> outside_fold(pairs, 4, fold=0).tolist()
        [False, False, True, True]
    """
    inside, outside = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for mask, rows in ((inside, pairs.fold == fold), (outside, pairs.fold != fold)):
        mask[pairs.first[rows]] = mask[pairs.second[rows]] = True
    if not inside.any():
        raise ParameterError(f"fold is {fold}: expected one of {', '.join(map(str, np.unique(pairs.fold)))}")
    outside &= ~inside
    if not outside.any():
        raise ParameterError(f"every image is in fold {fold}: expected some that only other folds show")
    return outside


def without_identities(data: FaceData, fold: int) -> Faces:
    """The test images outside one fold, unlabelled: what the † rows of Luo et al. 2016 adapt to.

    Args:
        data: A data set with pairs.
        fold: The fold to be tested afterwards.

    Raises:
        ParameterError: As in `outside_fold`.
    """
    images = data.test.images[outside_fold(data.pairs, len(data.test), fold)]
    return Faces(images, np.zeros(len(images), np.int64), ("withheld",))


def verify_held_out_people(data: FaceData, share: float, seed: int = 0) -> FaceData:
    """A data set to tune on: some of its training people are verified, the others trained on, the test people unseen.

    Args:
        data: Whose training faces are divided.
        share: Of the training people, in (0, 1), rounded to whole ones.
        seed: Of the draw of people and pairs.

    Raises:
        DataError: The people held out give too few pairs.
        ParameterError: No person is left on one of the sides.
    """
    people = data.train.num_identities
    count = round(share * people)
    if not 0 < count < people:
        raise ParameterError(f"held_out_people is {share} of {people} people: expected some on either side")
    apart = np.isin(data.train.identity, shuffled(people, seed)[:count])
    train, test = (_renumbered(take_images(data.train, keep)) for keep in (~apart, apart))
    pairs = draw_pairs(test.identity, _PAIRS, np.random.default_rng(seed))
    title = f"{data.title}, {count} of {people} training people held out to verify"
    return replace(data, title=title, train=train, test=test, pairs=pairs)


def _renumbered(faces: Faces) -> Faces:
    """With the numbers and names of those people alone whom the images show."""
    shown, identity = np.unique(faces.identity, return_inverse=True)
    names = tuple(faces.identity_names[person] for person in shown)
    return replace(faces, identity=identity.astype(np.int64), identity_names=names)


def take_images(faces: Faces, keep: npt.NDArray[np.bool_]) -> Faces:
    """The marked images, with the numbers and names of all people unchanged."""
    attributes = None if faces.attributes is None else faces.attributes[keep]
    landmarks = None if faces.landmarks is None else faces.landmarks[keep]
    partial = None if faces.partial_attributes is None else faces.partial_attributes[keep]
    return Faces(faces.images[keep], faces.identity[keep], faces.identity_names, attributes, landmarks, partial)
