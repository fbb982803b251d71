"""The cells of Wang & Lan's tables: means with intervals, differences of cells, and what α and β alone do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbutils.errors import ParameterError
from nbutils.evaluation.bootstrap import BootstrapInterval
from nbutils.evaluation.classification import mean_interval

#: Name of a cell to (S, N): a value of each of N images by each of S trainings with different seeds.
Values = Mapping[str, npt.NDArray[np.float64] | npt.NDArray[np.bool_]]

#: α and β of a cell without targets, and of one with each target alone (section 4.2.3).
ALONE, TARGETS = "0 0", {"soft (α = 1)": "1 0", "hidden (β = 1)": "0 1"}


def tabulate(values: Values, measure: str) -> pd.DataFrame:
    """The mean of each cell in percent with its 95 % interval.

    Args:
        values: See `Values`; shares in [0, 1], or errors as a share of their normaliser.
        measure: Name of the column of means.

    Returns:
        Indexed by network: `measure`, low, high.
    """
    rows = {}
    for name, value in values.items():
        found = mean_interval(value)
        rows[name] = {measure: found.estimate, "low": found.low, "high": found.high}
    return 100 * pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def cell_difference(values: Values, first: Sequence[str], second: Sequence[str]) -> BootstrapInterval:
    """Mean of (first − second) over pairs of cells, in points, paired image by image and seed by seed.

    Args:
        values: See `Values`.
        first: Names of cells.
        second: As many names; the first of `first` is compared with the first of these, and so on.

    Raises:
        ParameterError: If the lists differ in length, or a cell is missing.
    """
    if len(first) != len(second) or not first:
        raise ParameterError(f"{len(first)} cells are to be compared with {len(second)}: expected as many")
    missing = [name for name in (*first, *second) if name not in values]
    if missing:
        raise ParameterError(f"there is no cell {missing[0]!r}: expected one of {', '.join(values)}")
    table = [
        np.asarray(values[a], np.float64) - np.asarray(values[b], np.float64)
        for a, b in zip(first, second, strict=True)
    ]
    return mean_interval(100 * np.mean(table, axis=0))


def magnitude(interval: BootstrapInterval) -> BootstrapInterval:
    """The interval of a difference's absolute value: from 0 where the interval holds 0."""
    ends = sorted((abs(interval.low), abs(interval.high)))
    least = 0.0 if interval.low <= 0 <= interval.high else ends[0]
    return BootstrapInterval(abs(interval.estimate), least, ends[1], interval.level)


def influences(values: Values, *, higher_is_better: bool) -> pd.DataFrame:
    """What each target alone changes, and so whether to keep it (the practice of section 4.2.3).

    Args:
        values: Cells named "<start> <α> <β>", such as "/2 Distill 1 0"; others are passed over.
        higher_is_better: True for accuracies, False for errors.

    Returns:
        A row a start and target: start, target, difference to no target in points, low, high, and "keep", "drop", or
        "undecided" where the interval holds 0.
    """
    rows = []
    starts = [name.removesuffix(f" {ALONE}") for name in values if name.endswith(f" {ALONE}")]
    for start in starts:
        for target, influence in TARGETS.items():
            found = cell_difference(values, [f"{start} {influence}"], [f"{start} {ALONE}"])
            low, high = (found.low, found.high) if higher_is_better else (-found.high, -found.low)
            advice = "keep" if low > 0 else "drop" if high < 0 else "undecided"
            row = {"start": start, "target": target, "difference": found.estimate, "low": found.low}
            rows.append(row | {"high": found.high, "so": advice})
    return pd.DataFrame(rows)


def by_influence(table: pd.DataFrame) -> pd.DataFrame:
    """The same rows, with names such as "/2 Distill 1 0" told as network, start, α and β."""
    told = []
    for name in table.index:
        *before, alpha, beta = str(name).rsplit(" ", 2) if str(name)[-1].isdigit() else (str(name), "–", "–")
        network, _, start = before[0].rpartition(" ")
        told.append((network, start, alpha, beta) if alpha != "–" else (str(name), "–", "–", "–"))
    index = pd.MultiIndex.from_tuples(told, names=["network", "start", "α", "β"])
    return table.set_axis(index, axis=0)
