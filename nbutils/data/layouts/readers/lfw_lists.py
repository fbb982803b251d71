"""LFW's text lists: pairs of images (`pairs*.txt`) and people (`people*.txt`), in both their forms.

The *development* form holds one set: a header with one number, then the rows. The *ten-fold* form (View 2)
holds several: `pairs.txt` says `folds<TAB>pairs` on top, `people.txt` says `folds` on top and the number of
people above each fold. Pairs come as so many matched rows `name n1 n2`, then as many mismatched rows
`name1 n1 name2 n2`; columns are separated by tabs. See Huang et al. 2007, and the data set's README.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from nbutils.data.layouts.readers.tables import read_text
from nbutils.data.pairs import DEVELOPMENT_FOLDS
from nbutils.errors import DataError

# A name becomes a folder: nothing that could lead out of the data root or hide in a terminal.
_UNSAFE_NAME = re.compile(r"[\s/\\:\x00-\x1f\x7f]|^~|^\.+$|^$")
_INTEGER = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True)
class ImageName:
    """One image as LFW's lists name it: the person and the image's number, from 1."""

    name: str
    number: int

    @property
    def relative_path(self) -> str:
        """Path below the image folder, `Name/Name_0001.jpg`."""
        return f"{self.name}/{self.name}_{self.number:04d}.jpg"


@dataclass(frozen=True)
class NamedPair:
    """A row of a pairs list: two images, whether of one person, its fold (from 0) and line (from 1)."""

    first: ImageName
    second: ImageName
    same: bool
    fold: int
    line: int


@dataclass(frozen=True)
class ListedPerson:
    """A row of a people list: a person, how many images there are, its fold (from 0) and line (from 1)."""

    name: str
    images: int
    fold: int
    line: int


def read_pairs(path: Path) -> list[NamedPair]:
    """Read a list of pairs, in the development or the ten-fold form, in the file's order.

    Development lists have no folds, so their pairs are dealt into `DEVELOPMENT_FOLDS` in turn, matched and
    mismatched apart: the i-th of each kind goes to fold i mod 10. Unlike in View 2, one person may then be
    found in several folds.

    Raises:
        DataError: naming file and line, where the list cannot be read, a row is malformed, or the header
            disagrees with the rows.
    """
    lines = _read_lines(path)
    header = lines[0].split("\t")
    if len(header) not in (1, 2):
        raise _malformed(path, 1, lines[0], "a header: the number of pairs, or folds and pairs a fold")
    numbers = [_positive(text, path, 1, "header") for text in header]
    folds, block = (1, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
    rows = [_pair(line, path, number) for number, line in enumerate(lines[1:], start=2)]
    if len(rows) != 2 * folds * block:
        raise DataError(
            f"{path}:1: header promises {folds} × 2 × {block} = {2 * folds * block} pairs, the file has {len(rows)}"
        )
    pairs = []
    for index, (first, second, same) in enumerate(rows):
        line, within = index + 2, index % (2 * block)
        if same != (within < block):
            kind = "matched (3 columns)" if within < block else "mismatched (4 columns)"
            raise _malformed(path, line, lines[index + 1], f"a {kind} pair here by the header")
        fold = within % block % DEVELOPMENT_FOLDS if len(numbers) == 1 else index // (2 * block)
        pairs.append(NamedPair(first, second, same, fold, line))
    return pairs


def read_people(path: Path) -> list[ListedPerson]:
    """Read a list of people and their numbers of images, in either form, in the file's order.

    Raises:
        DataError: naming file and line, where the list cannot be read, a row is malformed, a person is
            listed twice, or a header disagrees with the rows.
    """
    lines = _read_lines(path)
    in_folds = len(lines) > 1 and "\t" not in lines[1]
    folds = _positive(lines[0], path, 1, "header") if in_folds else 1
    at = 1 if in_folds else 0
    people: dict[str, ListedPerson] = {}
    for fold in range(folds):
        if at >= len(lines):
            raise DataError(f"{path}:1: header promises {folds} folds, the file has {fold}")
        count = _positive(lines[at], path, at + 1, "header")
        rows = lines[at + 1 : at + 1 + count]
        for line, row in enumerate(rows, start=at + 2):
            if in_folds and "\t" not in row:
                raise DataError(f"{path}:{at + 1}: header promises {count} people, line {line} ends them early")
            person = _person(row, path, line, fold)
            if person.name in people:
                raise DataError(f"{path}:{line}: {person.name} is listed already in line {people[person.name].line}")
            people[person.name] = person
        if len(rows) != count:
            raise DataError(f"{path}:{at + 1}: header promises {count} people, the file has {len(rows)}")
        at += 1 + count
    if at != len(lines):
        raise DataError(f"{path}:{at + 1}: {len(lines) - at} lines more than the header promises")
    return list(people.values())


def _read_lines(path: Path) -> list[str]:
    text = read_text(path)
    # Not splitlines(): it also breaks at characters that no editor counts as a line.
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) < 2:
        raise DataError(f"{path}: expected a header line and at least one row, found {len(lines) if text else 0} lines")
    return lines


def _pair(row: str, path: Path, line: int) -> tuple[ImageName, ImageName, bool]:
    columns = row.split("\t")
    if len(columns) == 3:
        name, one, two = columns
        names, numbers, same = (name, name), (one, two), True
    elif len(columns) == 4:
        names, numbers, same = (columns[0], columns[2]), (columns[1], columns[3]), False
    else:
        expected = "3 columns (name, number, number) or 4 (name, number, name, number), separated by tabs"
        raise _malformed(path, line, row, f"{expected}, found {len(columns)}")
    first, second = (
        ImageName(_safe(name, path, line), _positive(number, path, line, "image number"))
        for name, number in zip(names, numbers, strict=True)
    )
    if first == second:
        raise _malformed(path, line, row, "two different images")
    if not same and first.name == second.name:
        raise _malformed(path, line, row, "two different people in a row of 4 columns")
    return first, second, same


def _person(row: str, path: Path, line: int, fold: int) -> ListedPerson:
    columns = row.split("\t")
    if len(columns) != 2:
        expected = "2 columns (name, number of images), separated by a tab"
        raise _malformed(path, line, row, f"{expected}, found {len(columns)}")
    images = _positive(columns[1], path, line, "number of images")
    return ListedPerson(_safe(columns[0], path, line), images, fold, line)


def _safe(name: str, path: Path, line: int) -> str:
    if _UNSAFE_NAME.search(name) or not name.isprintable():
        expected = "printable, no spaces, slashes, colons or '..'"
        raise DataError(f"{path}:{line}: name {name!r} is not a plain folder name ({expected})")
    return name


def _positive(text: str, path: Path, line: int, what: str) -> int:
    if not _INTEGER.fullmatch(text) or int(text) < 1:
        raise DataError(f"{path}:{line}: {what} is {text[:40]!r}, expected an integer from 1")
    return int(text)


def _malformed(path: Path, line: int, row: str, expected: str) -> DataError:
    return DataError(f"{path}:{line}: {row[:80]!r}: expected {expected}")
