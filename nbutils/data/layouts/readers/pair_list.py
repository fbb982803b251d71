"""Pairs as a CSV beside the images: `first,second,same` and, where there are folds, `fold`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.data.faces import Pairs
from nbutils.data.layouts.readers.tables import read_csv, whole_numbers_of
from nbutils.data.pairs import DEVELOPMENT_FOLDS
from nbutils.errors import DataError


def read_pair_list(path: Path, names: Sequence[str]) -> Pairs | None:
    """Reads the pairs of images given by name; None where there is no such file.

    Raises:
        DataError: naming file and line, if it is malformed or names an image that is not there.
    """
    if not path.is_file():
        return None
    table = read_csv(path)
    if not table.rows or set(table.columns) not in ({"first", "second", "same"}, {"first", "second", "same", "fold"}):
        raise DataError(f"{path}:1: expected the columns first, second, same and perhaps fold, then rows")
    index = {name: at for at, name in enumerate(names)}
    ends = []
    for number, (first, second) in enumerate(table.cells(["first", "second"])):
        for name in (first, second):
            if name not in index:
                raise DataError(f"{table.at(number)}: image {name[:80]!r} is not in the data set")
        ends.append((index[first], index[second]))
    first, second = np.array(ends, np.int64).T
    code = whole_numbers_of(table, "same", most=1)
    if (code < 0).any():
        raise DataError(f"{table.at(int(np.argmin(code)))}: same is empty, expected 0 or 1")
    same = code == 1
    fold = folds_of(same) if "fold" not in table.columns else whole_numbers_of(table, "fold", most=len(same))
    if (fold < 0).any():
        raise DataError(f"{table.at(int(np.argmin(fold)))}: fold is empty, expected a whole number from 0")
    return Pairs(first, second, same, fold)


def write_pair_list(path: Path, pairs: Pairs | None, names: Sequence[str]) -> None:
    """Writes what `read_pair_list` reads; nothing without pairs."""
    if pairs is None:
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["first", "second", "same", "fold"])
        for first, second, same, fold in zip(pairs.first, pairs.second, pairs.same, pairs.fold, strict=True):
            rows.writerow([names[int(first)], names[int(second)], int(same), fold])


def folds_of(same: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Ten folds for pairs that name none.

    Where each tenth of the list holds as many matched pairs as the others, as the benchmarks' own lists do, the tenths
    are the folds. Otherwise matched and mismatched pairs are dealt in turn, as those of LFW's development lists.
    """
    count = len(same)
    tenth = np.arange(count, dtype=np.int64) * DEVELOPMENT_FOLDS // max(count, 1)
    matched = np.bincount(tenth[same], minlength=DEVELOPMENT_FOLDS)
    if count % DEVELOPMENT_FOLDS == 0 and matched.min() == matched.max():
        return tenth
    fold = np.empty(count, np.int64)
    for kind in (same, ~same):
        fold[kind] = np.arange(kind.sum()) % DEVELOPMENT_FOLDS
    return fold
