"""Scores of several networks on the same images: means with intervals, and differences image by image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbutils.errors import ParameterError
from nbutils.evaluation.classification import mean_interval
from nbutils.evaluation.resampling import BootstrapInterval

Name = TypeVar("Name", bound=Hashable)
#: What a network is called by, to (S, N): a value of each of N images by each of S trainings with different seeds.
Values: TypeAlias = Mapping[Name, npt.NDArray[np.float64] | npt.NDArray[np.bool_]]


def tabulate(values: Values[Name], measure: str) -> pd.DataFrame:
    """The mean of each network in percent with its 95 % interval.

    Args:
        values: See `Values`; shares in [0, 1], or errors as a share of their normaliser.
        measure: Name of the column of means.

    Returns:
        Indexed by network: `measure`, low, high.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import tabulate
        >>> tabulate({"large": np.array([[True, True, True, True]])}, "accuracy")
                 accuracy    low   high
        network
        large       100.0  100.0  100.0
    """
    found = [mean_interval(value) for value in values.values()]
    rows = [{measure: each.estimate, "low": each.low, "high": each.high} for each in found]
    names = pd.Index(list(values), dtype=object, tupleize_cols=False, name="network")
    return 100 * pd.DataFrame(rows, index=names)


def score_difference(values: Values[Name], first: Sequence[Name], second: Sequence[Name]) -> BootstrapInterval:
    """Mean of (first − second) over pairs of networks, in points, paired image by image and seed by seed.

    Args:
        values: See `Values`.
        first: Names of networks.
        second: As many names; the first of `first` is compared with the first of these, and so on.

    Raises:
        ParameterError: If the lists differ in length, or a network is missing.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import score_difference
        >>> right = {"large": np.array([[True, True, True, False]]), "small": np.array([[True, True, False, False]])}
        >>> score_difference(right, ["large"], ["small"]).estimate  # in points
        25.0
    """
    if len(first) != len(second) or not first:
        raise ParameterError(f"{len(first)} networks are to be compared with {len(second)}: expected as many")
    missing = [name for name in (*first, *second) if name not in values]
    if missing:
        raise ParameterError(f"there is no network {str(missing[0])!r}: expected one of {', '.join(map(str, values))}")
    table = [
        np.asarray(values[a], np.float64) - np.asarray(values[b], np.float64)
        for a, b in zip(first, second, strict=True)
    ]
    return mean_interval(100 * np.mean(table, axis=0))


def magnitude(interval: BootstrapInterval) -> BootstrapInterval:
    """The interval of a difference's absolute value: from 0 where the interval holds 0.

    Example:
        >>> from nbutils.evaluation import BootstrapInterval, magnitude
        >>> magnitude(BootstrapInterval(-0.2, -0.5, 0.1, 0.95))
        BootstrapInterval(estimate=0.2, low=0.0, high=0.5, level=0.95)
    """
    ends = sorted((abs(interval.low), abs(interval.high)))
    least = 0.0 if interval.low <= 0 <= interval.high else ends[0]
    return BootstrapInterval(abs(interval.estimate), least, ends[1], interval.level)
