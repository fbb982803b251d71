"""Random numbers by position: each can be computed alone, and is the same whatever else is computed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniforms(seed: int, stream: int, numbers: npt.NDArray[np.int64], columns: int) -> npt.NDArray[np.float64]:
    """(n, columns) numbers in (0, 1) that depend on (seed, stream, number, column) alone (SplitMix64)."""
    with np.errstate(over="ignore"):
        base = _mix(np.uint64(seed) * _GOLDEN + np.uint64(stream))
        rows = _mix(base ^ _mix(numbers.astype(np.uint64) + _GOLDEN))
        cells = _mix(rows[:, None] + _GOLDEN * np.arange(1, columns + 1, dtype=np.uint64))
    return ((cells >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normals(seed: int, stream: int, numbers: npt.NDArray[np.int64], columns: int) -> npt.NDArray[np.float64]:
    """(n, columns) standard normal numbers, by position."""
    values: npt.NDArray[np.float64] = ndtri(uniforms(seed, stream, numbers, columns))
    return values


def _mix(z: npt.NDArray[np.uint64] | np.uint64) -> npt.NDArray[np.uint64]:
    z = np.asarray(z)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
