"""Retrieval: does the nearest other image of a collection show the same person?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from nbutils.errors import ParameterError

#: Rows of the distance matrix at once, and columns: a block of 1024 × 4096 float32 takes 16 MiB.
_ROWS, _COLUMNS = 1024, 4096
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
    """
    if features.ndim != 2 or len(features) < 2 or len(identity) != len(features):
        raise ParameterError(
            f"features have shape {features.shape} and identity {np.shape(identity)}: expected (N, D) and (N,), N ≥ 2"
        )
    if not np.isfinite(features).all():
        raise ParameterError("features hold numbers that are not finite: expected finite ones")
    neighbour = nearest_others(features.astype(np.float32, copy=False), 1)[:, 0]
    return RetrievalResult(neighbour, identity[neighbour] == identity)


def nearest_others(features: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """The `count` nearest other rows of each row by Euclidean distance, nearest first, exact; ties by index.

    Blocks of the product matrix keep memory far below N². A few more candidates than wanted are kept, and their
    distances are taken again by subtraction, since ‖a‖² − 2ab + ‖b‖² cancels for near neighbours.

    Args:
        features: (N, D).
        count: From 1 to N − 1.

    Returns:
        (N, count) int64.

    Raises:
        ParameterError: If the count is out of range.
    """
    total = len(features)
    if not 1 <= count < total:
        raise ParameterError(f"count is {count}: expected from 1 to {total - 1} other images")
    rows = torch.from_numpy(np.ascontiguousarray(features - features.mean(axis=0)))
    half_squares = rows.square().sum(dim=1) / 2
    kept = min(count + _CANDIDATES, total - 1)
    found = np.empty((total, count), np.int64)
    for start in range(0, total, _ROWS):
        found[start : start + _ROWS] = _nearest_of_block(rows, half_squares, start, kept, count)
    return found


def _largest(values: torch.Tensor, kept: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The `kept` largest values of each row, and where; they lie in the groups of the `kept` largest maxima."""
    columns = values.shape[1]
    if columns % _GROUP or columns < kept * _GROUP:
        return torch.topk(values, min(kept, columns), dim=1)
    groups = values.view(len(values), -1, _GROUP)
    best = groups.amax(dim=2).topk(kept, dim=1).indices
    inside = groups.gather(1, best[:, :, None].expand(-1, -1, _GROUP)).flatten(1)
    value, at = inside.topk(kept, dim=1)
    return value, best.gather(1, at // _GROUP) * _GROUP + at % _GROUP


def _nearest_of_block(
    rows: torch.Tensor, half_squares: torch.Tensor, start: int, kept: int, count: int
) -> npt.NDArray[np.int64]:
    block = rows[start : start + _ROWS]
    closest = torch.full((len(block), kept), -torch.inf)
    place = torch.zeros((len(block), kept), dtype=torch.int64)
    for left in range(0, len(rows), _COLUMNS):
        right = min(left + _COLUMNS, len(rows))
        nearness = torch.addmm(-half_squares[left:right], block, rows[left:right].T)
        both = range(max(start, left), min(start + len(block), right))
        itself = torch.tensor(both, dtype=torch.int64)
        nearness[itself - start, itself - left] = -torch.inf
        value, at = _largest(nearness, kept)
        value, at = torch.cat([closest, value], dim=1), torch.cat([place, at + left], dim=1)
        closest, order = value.topk(kept, dim=1)
        place = at.gather(1, order)
    place = place.sort(dim=1).values
    distance = torch.stack([(block - rows[place[:, i]]).double().square().sum(dim=1) for i in range(kept)], dim=1)
    distance.masked_fill_(place == torch.arange(start, start + len(block))[:, None], torch.inf)
    order = distance.argsort(dim=1, stable=True)[:, :count]
    nearest: npt.NDArray[np.int64] = place.gather(1, order).numpy()
    return nearest
