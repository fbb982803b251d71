"""Retrieval: does the nearest other image of a collection show the same person?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbutils.errors import ParameterError

#: Rows and columns of the distance matrix at once: a block of float32 takes 16 MiB.
_BLOCK = 2048
#: Columns that are looked through by their maximum first, which is many times as fast as sorting them.
_GROUP = 32
#: The block product may misplace near ties; so many candidates are measured again exactly.
_CANDIDATES = 4


@dataclass(frozen=True, eq=False)
class RetrievalResult:
    """What the nearest neighbours of N images say.

    Attributes:
        neighbour: (N,) index of the nearest other image of each.
        correct: (N,) bool, whether it shows the same person.
    """

    neighbour: npt.NDArray[np.int64]
    correct: npt.NDArray[np.bool_]

    @property
    def top1(self) -> float:
        """Share of images whose nearest other image shows the same person."""
        return float(self.correct.mean())


def retrieve(features: npt.NDArray[np.floating], identity: npt.NDArray[np.int64]) -> RetrievalResult:
    """Top-1 retrieval within one collection (Wang & Lan 2017, 5.1: each test sample's nearest other test sample).

    Args:
        features: (N, D), N at least 2.
        identity: (N,) identity of every image.

    Raises:
        ParameterError: If there are fewer than two images, numbers that are not finite, or lengths that differ.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import retrieve
        >>> result = retrieve(np.array([[0.0], [0.1], [5.0], [0.2]]), np.array([0, 0, 1, 1]))
        >>> result.neighbour, result.correct
        (array([1, 0, 3, 1]), array([ True,  True,  True, False]))
    """
    if features.ndim != 2 or len(features) < 2 or len(identity) != len(features):
        raise ParameterError(
            f"features have shape {features.shape} and identity {np.shape(identity)}: expected (N, D) and (N,), N ≥ 2"
        )
    if not np.isfinite(features).all():
        raise ParameterError("features hold numbers that are not finite: expected finite ones")
    neighbour = nearest_others(features.astype(np.float32, copy=False), 1)[:, 0]
    return RetrievalResult(neighbour, identity[neighbour] == identity)


def found_by_one(
    identity: npt.NDArray[np.int64], finder: npt.NDArray[np.floating], other: npt.NDArray[np.floating]
) -> npt.NDArray[np.int64]:
    """All N images, first those whose nearest other shows their person by one network and not by another.

    Args:
        identity: (N,) identity of every image.
        finder: (N, D) features of the network that finds them.
        other: (N, D') features of the one that does not.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import found_by_one
        >>> identity = np.array([0, 0, 1, 1])
        >>> finder, other = np.array([[0.0], [9.0], [5.0], [5.1]]), np.array([[0.0], [5.0], [0.1], [5.1]])
        >>> found_by_one(identity, finder, other)  # the first network finds the other image of the last two only
        array([2, 3, 0, 1])
    """
    hits, misses = (retrieve(features, identity).correct for features in (finder, other))
    return np.argsort(~(hits & ~misses), kind="stable")


def nearest_others(features: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """The `count` nearest other rows of each row by Euclidean distance, nearest first, exact; ties by index.

    Blocks of the product matrix keep memory far below N²; as it is symmetric, each block serves its rows and its
    columns. A few more candidates than wanted are kept, and their distances are taken again by subtraction, since
    ‖a‖² − 2ab + ‖b‖² cancels for near neighbours.

    Args:
        features: (N, D).
        count: From 1 to N − 1.

    Returns:
        (N, count) int64.

    Raises:
        ParameterError: If the count is out of range.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import nearest_others
        >>> nearest_others(np.array([[0.0], [1.0], [3.0]], np.float32), 1)
        array([[1],
               [0],
               [1]])
    """
    total = len(features)
    if not 1 <= count < total:
        raise ParameterError(f"count is {count}: expected from 1 to {total - 1} other images")
    rows = torch.from_numpy(np.ascontiguousarray(features - features.mean(axis=0)))
    half_squares = rows.square().sum(dim=1) / 2
    candidates = _Candidates(total, min(count + _CANDIDATES, total - 1))
    for top in range(0, total, _BLOCK):
        above = slice(top, top + _BLOCK)
        for left in range(top, total, _BLOCK):
            beside = slice(left, left + _BLOCK)
            nearness = torch.sub(-half_squares[above, None], half_squares[beside])  # at last −½‖a − b‖²
            nearness.addmm_(rows[above], rows[beside].T)
            if left == top:
                nearness.fill_diagonal_(-torch.inf)  # nothing is its own neighbour
            else:
                candidates.offer(beside, top, nearness, dim=0)
            candidates.offer(above, left, nearness, dim=1)
    return candidates.nearest(rows, count)


class _Candidates:
    """The nearest rows of each row as far as blocks of products tell.

    Args:
        total: Number of rows.
        kept: Candidates of each.
    """

    def __init__(self, total: int, kept: int) -> None:
        self.kept = kept
        self._nearness = torch.full((total, kept), -torch.inf)
        self._place = torch.zeros((total, kept), dtype=torch.int64)

    def offer(self, rows: slice, first: int, nearness: Tensor, *, dim: int) -> None:
        """Takes the nearest for `rows` of the rows from `first` on, which lie along dimension `dim` of `nearness`."""
        value, at = _largest(nearness, self.kept, dim)
        value, at = torch.cat([self._nearness[rows], value], dim=1), torch.cat([self._place[rows], at + first], dim=1)
        self._nearness[rows], order = value.topk(self.kept, dim=1)
        self._place[rows] = at.gather(1, order)

    def nearest(self, rows: Tensor, count: int) -> npt.NDArray[np.int64]:
        """(N, count) of them by their exact distances, taken by subtraction; ties by index."""
        found = []
        for start in range(0, len(rows), _BLOCK):
            block, place = rows[start : start + _BLOCK], self._place[start : start + _BLOCK].sort(dim=1).values
            apart = [(block - rows[place[:, i]]).double().square().sum(dim=1) for i in range(self.kept)]
            order = torch.stack(apart, dim=1).argsort(dim=1, stable=True)[:, :count]
            found.append(place.gather(1, order).numpy())
        return np.concatenate(found)


def _largest(values: Tensor, kept: int, dim: int) -> tuple[Tensor, Tensor]:
    """The `kept` largest values along a dimension of a matrix, and where, both with `kept` columns.

    They lie in the groups of the `kept` largest maxima.
    """
    across = values if dim else values.T
    columns = across.shape[1]
    if columns % _GROUP or columns < kept * _GROUP:
        return torch.topk(across, min(kept, columns), dim=1)
    groups = across.view(len(across), -1, _GROUP)
    # those of the columns' own groups would take ten times as long
    maxima = groups.amax(dim=2) if dim else values.view(-1, _GROUP, len(across)).amax(dim=1).T
    best = maxima.topk(kept, dim=1).indices
    inside = groups.gather(1, best[:, :, None].expand(-1, -1, _GROUP)).flatten(1)
    value, at = inside.topk(kept, dim=1)
    return value, best.gather(1, at // _GROUP) * _GROUP + at % _GROUP
