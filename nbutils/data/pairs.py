"""Drawing pairs of images to verify, as LFW's lists were drawn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nbutils.data.faces import Pairs
from nbutils.errors import DataError

#: Folds that pairs without folds of their own are dealt into.
DEVELOPMENT_FOLDS = 10
#: Matched pairs, and mismatched ones, that two folds need.
_FEWEST = 2


def draw_pairs(identity: npt.NDArray[np.int64], most: int, rng: np.random.Generator) -> Pairs:
    """Draw pairs as LFW's lists were: people first, evenly, then images, none twice; dealt into ten folds.

    Args:
        identity: (N,) identity of every image.
        most: matched pairs at most, and as many mismatched ones.
        rng: source of randomness.

    Raises:
        DataError: the images give too few pairs for two folds with one of each kind.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import draw_pairs
        >>> pairs = draw_pairs(np.repeat(np.arange(5), 4), 10, np.random.default_rng(0))
        >>> len(pairs), int(pairs.same.sum())
        (20, 10)
    """
    first, second = np.triu_indices(len(identity), 1)
    same = identity[first] == identity[second]
    images = np.bincount(identity).astype(np.float64)
    a, b = images[identity[first]], images[identity[second]]
    weight = np.where(same, 2 / np.maximum(a * (a - 1), 1), 1 / (a * b))
    count = min(int(same.sum()), int((~same).sum()), most)
    if count < _FEWEST:
        raise DataError(
            f"{len(identity)} images of {len(np.unique(identity))} people, of which {count} matched and {count} "
            f"mismatched pairs can be drawn: expected {_FEWEST} of each or more, for two folds"
        )
    chosen = []
    for wanted in (same, ~same):
        candidates = np.flatnonzero(wanted)
        odds = weight[candidates] / weight[candidates].sum()
        chosen.append(rng.choice(candidates, count, replace=False, p=odds))
    rows = np.concatenate(chosen)
    fold = np.tile(np.arange(count, dtype=np.int64) % DEVELOPMENT_FOLDS, 2)
    return Pairs(first[rows].astype(np.int64), second[rows].astype(np.int64), same[rows], fold)
