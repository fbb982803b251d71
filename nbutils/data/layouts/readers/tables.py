"""Annotation lists: CelebA's own text form and CSV, to rows of text with their lines; and columns of numbers.

A list has at most `MAX_BYTES`. Its table takes at most a hundred times its length of memory, where every row is one
letter; CelebA's take four times. Time is in proportion to the length.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.bounded import read_bounded
from nbutils.data.collection import MAX_PLACE
from nbutils.errors import DataError

#: Forty times the longest known, CelebA's attributes.
MAX_BYTES = 1 << 30

_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{0,60})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_ATTRIBUTE = {"-1": -1, "0": 0, "1": 1, "+1": 1, "": 0}


@dataclass(frozen=True)
class Table:
    """Rows of text of one file.

    Attributes:
        path: the file.
        columns: names of the columns.
        rows: one list of cells a row, each as long as `columns`.
        lines: line (from 1) of each row.
    """

    path: Path
    columns: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def at(self, row: int) -> str:
        """File and line of a row, for an error."""
        return f"{self.path}:{self.lines[row]}"

    def cells(self, names: Sequence[str]) -> Iterator[list[str]]:
        """The named columns of each row, in the order of `names`."""
        which = [self.columns.index(name) for name in names]
        side_by_side = slice(which[0], which[-1] + 1) if which == list(range(which[0], which[-1] + 1)) else None
        return (row[side_by_side] if side_by_side else [row[column] for column in which] for row in self.rows)

    def has(self, names: Sequence[str]) -> bool:
        """Whether all of these columns are there.

        Raises:
            DataError: If some are and some are not.
        """
        missing = [name for name in names if name not in self.columns]
        if missing and len(missing) < len(names):
            raise DataError(
                f"{self.path}:1: column {missing[0]!r} is missing beside {len(names) - len(missing)} others"
            )
        return not missing


def read_text(path: Path) -> str:
    """A whole text file in UTF-8, a byte order mark removed.

    Raises:
        DataError: If it cannot be read, is longer than `MAX_BYTES` or not UTF-8.
    """
    content = read_bounded(path, MAX_BYTES, "a list")
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: not UTF-8 text (byte {error.start})") from error


def read_csv(path: Path) -> Table:
    """A CSV file with a header.

    Raises:
        DataError: naming file and line, if it is not CSV, a column is there twice, or a row has another length.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    rows, lines = [], []
    try:
        columns = tuple(cell.strip() for cell in next(reader, []))
        for row in reader:
            if row:
                rows.append(_shared(row))
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: not CSV: {error}") from error
    table = Table(path, columns, rows, lines)
    _check_shape(table)
    return table


def read_spaced(path: Path, columns: Sequence[str], has_header: bool) -> Table:
    """One of CelebA's text lists: image name, then values, separated by spaces.

    Args:
        path: The file.
        columns: Names of the values, where the file does not name them.
        has_header: Whether the number of rows and the names of the columns stand above the rows.

    Raises:
        DataError: naming file and line, if the number of rows is not as promised or a row has another length.
    """
    text = read_text(path).replace("\r\n", "\n").rstrip("\n").split("\n")
    above, promised = 0, None
    names = ("image_id", *columns)
    if has_header:
        if len(text) < 2 or not _WHOLE.fullmatch(text[0].strip()):
            raise DataError(f"{path}:1: {text[0][:40]!r}: expected the number of rows, then the names of the columns")
        above, promised = 2, int(text[0])
        names = ("image_id", *(name for name in text[1].split() if name != "image_id"))
    # The values never hold a space, so that the image's name may.
    rows = [_shared(line.rsplit(maxsplit=len(names) - 1)) for line in text[above:]]
    table = Table(path, names, rows, list(range(above + 1, above + 1 + len(rows))))
    _check_shape(table)
    if promised is not None and promised != len(rows):
        raise DataError(f"{path}:1: promises {promised} rows, the file has {len(rows)}")
    return table


def _shared(row: list[str]) -> list[str]:
    """Equal cells as one string: of CelebA's eight million attributes, all but two are copies."""
    return [sys.intern(cell) for cell in row]


def _check_shape(table: Table) -> None:
    repeated = [name for at, name in enumerate(table.columns) if name in table.columns[:at]]
    if repeated or not table.columns:
        raise DataError(f"{table.path}:1: expected one name a column, found {(repeated or table.columns)[:1]} repeated")
    for number, row in enumerate(table.rows):
        if len(row) != len(table.columns):
            raise DataError(f"{table.at(number)}: {len(row)} columns, expected {len(table.columns)}")


def attribute_columns(table: Table) -> dict[str, str]:
    """Those of `ATTRIBUTES` that a table has, and its own names for them, which may differ in case and punctuation.

    Raises:
        DataError: If two columns bear one attribute's name.
    """
    known, found = {_plain(name): name for name in ATTRIBUTES}, dict[str, str]()
    for column in table.columns:
        name = known.get(_plain(column))
        if name in found:
            raise DataError(f"{table.path}:1: columns {found[name]!r} and {column!r} are both {name}: expected one")
        if name is not None:
            found[name] = column
    return {name: found[name] for name in ATTRIBUTES if name in found}


def attributes_of(table: Table) -> npt.NDArray[np.int8]:
    """(R, 40) int8 in the order of `ATTRIBUTES`; empty cells, and attributes without a column, are 0, unknown.

    A file without a single −1 codes absence as 0 (such CSV files circulate): its zeros become −1.

    Raises:
        DataError: naming line and attribute, if a value is not −1, 0 or 1.
    """
    columns = attribute_columns(table)
    found = np.empty((len(table.rows), len(columns)), np.int8)
    for number, cells in enumerate(table.cells(list(columns.values()))):
        try:
            found[number] = [_ATTRIBUTE[cell] if cell in _ATTRIBUTE else _ATTRIBUTE[cell.strip()] for cell in cells]
        except KeyError as error:
            name = next(n for n, cell in zip(columns, cells, strict=True) if cell.strip() not in _ATTRIBUTE)
            raise DataError(f"{table.at(number)}: {name} is {error.args[0][:20]!r}, expected -1, 0 or 1") from None
    blank = any("" in row for row in table.rows)
    if not ((found == -1).any() or blank):
        found[found == 0] = -1
    whole = np.zeros((len(found), len(ATTRIBUTES)), np.int8)
    whole[:, [ATTRIBUTES.index(name) for name in columns]] = found
    return whole


def attribute_remarks(table: Table, values: npt.NDArray[np.int8]) -> list[str]:
    """What a reader must know of a table's attributes: which have no column, how many values are unknown.

    Args:
        table: Whose columns were read.
        values: (R, 40) of `attributes_of`.
    """
    columns = attribute_columns(table)
    absent = [name for name in ATTRIBUTES if name not in columns]
    remarks = []
    if absent:
        others = ", ".join(map(repr, [c for c in table.columns[1:] if c not in columns.values()]))
        remarks.append(
            f"{table.path}: has no column for {len(absent)} of 40 attributes, which are unknown: {', '.join(absent)}"
            + (f"; its columns {others} are none of them" if others else "")
        )
    there = values[:, [ATTRIBUTES.index(name) for name in columns]]
    if unknown := int((there == 0).sum()):
        remarks.append(f"{table.path}: {unknown:,} of {there.size:,} values of attributes are unknown")
    return remarks


def _plain(name: str) -> str:
    """A column's name without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", name).casefold()


def numbers_of(table: Table, names: Sequence[str]) -> npt.NDArray[np.float32]:
    """(R, len(names)) float32, places or sizes in pixels; a row of empty cells is NaN.

    Raises:
        DataError: naming line and column, if a value is not a decimal number of at most `MAX_PLACE`.
    """
    values = np.full((len(table.rows), len(names)), np.nan, np.float32)
    for number, cells in enumerate(table.cells(names)):
        if not any(cells):
            continue
        for name, cell in zip(names, cells, strict=True):
            if not _NUMBER.fullmatch(cell.strip()) or abs(float(cell.strip())) > MAX_PLACE:
                raise DataError(
                    f"{table.at(number)}: {name} is {cell[:20]!r}, expected a number of pixels, at most {MAX_PLACE:,}"
                )
        values[number] = [float(cell.strip()) for cell in cells]
    return values


def whole_numbers_of(table: Table, name: str, most: int = 10**9) -> npt.NDArray[np.int64]:
    """(R,) int64 of one column; empty cells are −1.

    Raises:
        DataError: naming line and column, if a value is not a whole number from 0 to `most`.
    """
    values = []
    for number, (cell,) in enumerate(table.cells([name])):
        text = cell.strip()
        if text and (not _WHOLE.fullmatch(text) or int(text) > most):
            raise DataError(f"{table.at(number)}: {name} is {cell[:20]!r}, expected a whole number from 0 to {most}")
        values.append(int(text) if text else -1)
    return np.array(values, np.int64)


def unique_names(table: Table, column: str) -> dict[str, int]:
    """Row of each name in a column.

    Raises:
        DataError: naming both lines, if a name is there twice.
    """
    rows: dict[str, int] = {}
    for number, (name,) in enumerate(table.cells([column])):
        if name in rows:
            raise DataError(f"{table.at(number)}: {name[:80]!r} is listed already in line {table.lines[rows[name]]}")
        rows[name] = number
    return rows


def decimal(value: np.generic) -> str:
    """The shortest decimal number that reads back as the same value; nothing for NaN."""
    if isinstance(value, np.integer):
        return str(value)
    number = np.float32(value)
    return "" if np.isnan(number) else np.format_float_positional(number, trim="-")
