"""Scores of several networks on the same images: means with intervals, and differences image by image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbutils.errors import ParameterError
from nbutils.evaluation.interval import Interval
from nbutils.evaluation.intervals import mean_interval

Name = TypeVar("Name", bound=Hashable)
#: What a network is called by, to (S, N): a value of each of N images by each of S trainings with different seeds.
Values: TypeAlias = Mapping[Name, npt.NDArray[np.float64] | npt.NDArray[np.bool_]]


def tabulate(values: Values[Name], measure: str, people: npt.NDArray[np.int64] | None = None) -> pd.DataFrame:
    """The mean of each network in percent with its 95 % interval.

    Args:
        values: See `Values`; shares in [0, 1], or errors as a share of their normaliser.
        measure: Name of the column of means.
        people: (N,) the person of each image; None: images are independent.

    Returns:
        Indexed by network: `measure`, low, high, and where there are several seeds, the standard deviation over them.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import tabulate
        >>> tabulate({"large": np.array([[True, True, True, True], [True, True, True, False]])}, "accuracy").round(1)
                 accuracy  low   high  SD over seeds
        network
        large        87.5  0.0  100.0           17.7
    """
    rows = []
    for value in values.values():
        found = mean_interval(value, people)
        row = {measure: found.estimate, "low": found.low, "high": found.high}
        if len(value) > 1:
            row["SD over seeds"] = float(np.std(np.mean(value, axis=1), ddof=1))
        rows.append(row)
    names = pd.Index(list(values), dtype=object, tupleize_cols=False, name="network")
    return 100 * pd.DataFrame(rows, index=names)


def score_difference(
    values: Values[Name],
    first: Sequence[Name],
    second: Sequence[Name],
    people: npt.NDArray[np.int64] | None = None,
) -> Interval:
    """Mean of (first − second) over pairs of networks, in points, paired image by image and seed by seed.

    Args:
        values: See `Values`.
        first: Names of networks.
        second: As many names; the first of `first` is compared with the first of these, and so on.
        people: (N,) the person of each image; None: images are independent.

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
    return mean_interval(100 * np.mean(table, axis=0), people)


def compare_scores(
    values: Values[Name], measure: str, reference: Name, people: npt.NDArray[np.int64] | None = None
) -> pd.DataFrame:
    """`tabulate`, with each network's difference to a reference, paired image by image, for `what_differs`.

    Args:
        values: See `Values`.
        measure: Name of the column of means.
        reference: The network that the others are compared with.
        people: (N,) the person of each image; None: images are independent.

    Returns:
        As `tabulate`, and difference, difference low, difference high in points; NaN for the reference itself.

    Raises:
        ParameterError: The reference is not among the networks.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import compare_scores
        >>> right = {"large": np.array([[True, True, True, False]]), "small": np.array([[True, True, False, False]])}
        >>> compare_scores(right, "top-1", "small")["difference"].tolist()
        [25.0, nan]
    """
    table = tabulate(values, measure, people)
    found = [score_difference(values, [name], [reference], people) for name in values]
    ends = {"difference": "estimate", "difference low": "low", "difference high": "high"}
    for column, end in ends.items():
        differences = [getattr(interval, end) for interval in found]
        pairs = zip(values, differences, strict=True)
        table[column] = [float("nan") if name == reference else value for name, value in pairs]
    return table


def magnitude(interval: Interval) -> Interval:
    """The interval of a difference's absolute value: from 0 where the interval holds 0.

    Example:
        >>> from nbutils.evaluation import Interval, magnitude
        >>> found = magnitude(Interval(-0.2, -0.5, 0.1))
        >>> found.estimate, found.low, found.high
        (0.2, 0.0, 0.5)
    """
    curve = interval.curve
    ends = sorted((abs(interval.low), abs(interval.high)))
    least = 0.0 if interval.low <= 0 <= interval.high else ends[0]
    # The size differs from a value if the difference differs from it and from its negative.
    both = None if curve is None else lambda reference: max(curve(reference), curve(-reference))
    return replace(interval, estimate=abs(interval.estimate), low=least, high=ends[1], curve=both)
