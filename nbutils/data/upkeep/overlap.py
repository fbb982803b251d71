"""People and images that two data sets share: equal names, and near-duplicate images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.data.layouts.readers.tables import read_text
from nbutils.errors import DataError

#: Perceptual hashes of 128 bits that differ in at most so many count as one picture. Hashes so near agree in one
#: of their eight words of 16 bits, which is how they are found.
MOST_BITS = 7
_WORDS = 8
_AT_ONCE = 1 << 22

Pairs = npt.NDArray[np.int64]


def read_identity_list(path: Path) -> list[str]:
    """A text file with a name a line, or the first column of one with tabs; empty lines and # comments are skipped.

    Raises:
        DataError: If it cannot be read, or holds no name.
    """
    rows = (line.split("\t")[0].strip() for line in read_text(path).splitlines())
    names = [row for row in rows if row and not row.startswith("#")]
    if not names:
        raise DataError(f"{path}: expected a list of people with a name a line, found none")
    return names


def near_duplicates(
    first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64], most: int = MOST_BITS
) -> tuple[Pairs, npt.NDArray[np.int64]]:
    """All pairs of perceptual hashes that differ in few bits.

    Args:
        first: (N, 2) hashes; see `nbutils.data.upkeep.survey.difference_hash`. Rows of zeros stand for no image.
        second: (M, 2) likewise.
        most: Bits that may differ, at most `MOST_BITS`.

    Returns:
        (P, 2) rows of `first` and `second`, sorted; (P,) bits in which they differ.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import near_duplicates
        >>> pairs, bits = near_duplicates(np.array([[7, 9]], np.uint64), np.array([[1, 1], [6, 9]], np.uint64))
        >>> pairs.tolist(), bits.tolist()
        ([[0, 0], [0, 1]], [3, 1])
    """
    found = [np.empty((0, 2), np.int64)]
    rows, others = (np.flatnonzero(hashes.any(axis=1)) for hashes in (first, second))
    words, other_words = first[rows].view(np.uint16), second[others].view(np.uint16)
    for word in range(_WORDS):
        for one, two in _equal(words[:, word], other_words[:, word]):
            pairs = np.stack([rows[one], others[two]], axis=1)
            found.append(pairs[_distance(first, second, pairs) <= most])
    pairs = np.unique(np.concatenate(found), axis=0)
    return pairs, _distance(first, second, pairs)


def _distance(first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64], pairs: Pairs) -> npt.NDArray[np.int64]:
    different = np.bitwise_count(first[pairs[:, 0]] ^ second[pairs[:, 1]])
    bits: npt.NDArray[np.int64] = different.sum(axis=1, dtype=np.int64)
    return bits


def _equal(first: npt.NDArray[np.uint16], second: npt.NDArray[np.uint16]) -> Iterator[tuple[Pairs, Pairs]]:
    """Indices of all pairs of equal values, some millions at a time."""
    order = np.argsort(second, kind="stable")
    start = np.searchsorted(second[order], first, "left")
    count = np.searchsorted(second[order], first, "right") - start
    ends = np.cumsum(count)
    begin = 0
    while begin < len(first):
        passed = ends[begin - 1] if begin else 0
        stop = max(begin + 1, int(np.searchsorted(ends, passed + _AT_ONCE, "right")))
        counts = count[begin:stop]
        one = np.repeat(np.arange(begin, stop), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        yield one, order[start[one] + within]
        begin = stop
