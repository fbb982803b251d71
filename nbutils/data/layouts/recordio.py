"""A training set in RecordIO: `train.rec`, `train.idx`, and perhaps `train.lst` and `property`.

Two habits are known. InsightFace's: record 0 says where images end and people begin, image records carry a person's
number, and `property` says "people,height,width". MXNet's own (im2rec): every record is an image, with a label or a
vector of labels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.collection import LANDMARK_COLUMNS, MAX_PLACE, Collection, numbers_of_people
from nbutils.data.layouts.base import Layout
from nbutils.data.layouts.readers.image_files import only_file
from nbutils.data.layouts.readers.pair_list import read_pair_list, write_pair_list
from nbutils.data.layouts.readers.records import Records, read_records, write_records
from nbutils.data.layouts.readers.tables import read_text
from nbutils.errors import DataError

#: What a label vector of each length holds, in this order: the person's number, CelebA's 40 attributes, five points.
#: Of any other length, the first label is the person's number, and the others are not understood.
_VECTORS: dict[int, tuple[int, int, int]] = {
    i + a + p: (i, a, p) for i in (0, 1) for a in (0, len(ATTRIBUTES)) for p in (0, 10) if i + a + p
}
_PROPERTY = re.compile(r"([0-9]{1,9}),([0-9]{1,6}),([0-9]{1,6})\s*", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,9}(\.0*)?", re.ASCII)


class _Keys(Sequence[str]):
    """Names of records by their keys, made on demand."""

    def __init__(self, keys: npt.NDArray[np.int64]) -> None:
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, at: int) -> str:  # type: ignore[override]
        return str(self._keys[at])


@dataclass(frozen=True, eq=False)
class _Images:
    """Reads image i."""

    records: Records
    rows: npt.NDArray[np.int64]

    def __call__(self, at: int) -> bytes:
        return self.records.image(int(self.rows[at]))


def recognises(root: Path) -> bool:
    """Whether the path is a `.rec` file, or a folder with `train.rec` or exactly one other."""
    return only_file(root, ".rec", "train.rec") is not None


def open_record_folder(root: Path) -> Collection:
    """Opens a file of records and what lies beside it; images in the order of their keys.

    Raises:
        DataError: naming file, record or line, if a record is damaged, or header, index, list and `property` disagree.
    """
    path = only_file(root, ".rec", "train.rec")
    if path is None:
        raise DataError(f"{root}: expected train.rec, or a folder with exactly one .rec file")
    index = path.with_suffix(".idx")
    records = read_records(path, index if index.is_file() else None)
    rows, remarks = _image_rows(records)
    if not len(rows):
        raise DataError(f"{path}: no record holds an image")
    labels, flag = records.labels[rows], np.maximum(records.flag[rows], 1)
    width = int(flag[0]) if (flag == flag[0]).all() else 0
    has_identity, attributes, points = _VECTORS.get(width, (1, 0, 0))
    number = _whole_numbers(labels[:, 0], records, rows) if has_identity else None
    listed = _read_list(path.with_suffix(".lst"), records.key[rows], number)
    names: Sequence[str] = _Keys(records.key[rows]) if listed is None else listed
    people, identity = tuple[str, ...](), None
    if number is not None:
        known, identity = np.unique(number, return_inverse=True)
        identity = np.where(number < 0, -1, identity - int((known < 0).sum())).astype(np.int64)
        people = _names_of_people(known[known >= 0], identity, listed)
    remarks += _check_property(path.with_name("property"), number)
    values = labels[:, has_identity:]
    return Collection(
        layout="recordio",
        root=root,
        names=names,
        read=_Images(records, rows),
        identity=identity,
        identity_names=people,
        attributes=_attributes(values[:, :attributes], records, rows) if attributes else None,
        landmarks=_landmarks(values[:, attributes : attributes + points], records, rows) if points else None,
        pairs=read_pair_list(path.with_name("pairs.csv"), names),
        remarks=remarks,
    )


def write_record_folder(collection: Collection, folder: Path) -> None:
    """Writes `train.rec`, `train.idx` and `pairs.csv`; with identities alone, as InsightFace does.

    Then record 0, the people's records and `property` are there too, and images come sorted by person. Where there are
    attributes or key points, label vectors hold them.
    """
    number, count = numbers_of_people(collection), len(collection)
    path, order = folder / "train.rec", np.arange(count)
    parts = [number[:, None].astype(np.float32)]
    if collection.attributes is not None:
        parts.append(collection.attributes.astype(np.float32))
    if collection.landmarks is not None:
        parts.append(collection.landmarks.reshape(-1, 10))
    first = 0
    if len(parts) == 1:
        order, first = np.argsort(number, kind="stable"), 1
        found, begin = np.unique(number[order], return_index=True)
        ends = [*(int(at) + 1 for at in begin), count + 1]
        write_records(path, [(count + 1, count + 1 + len(found))], [b""])
    vectors = np.concatenate(parts, axis=1)[order].tolist()
    write_records(path, vectors, (collection.read(at) for at in order.tolist()), first)
    if first:
        write_records(path, list(pairwise(ends)), [b""] * len(found), count + 1)
        (folder / "property").write_text(f"{int(found.max()) + 1},112,112\n", encoding="ascii")
    names = np.empty(count, object)
    names[order] = [str(first + at) for at in range(count)]
    write_pair_list(folder / "pairs.csv", collection.pairs, names.tolist())


def _image_rows(records: Records) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """The records that are images: all, or those that InsightFace's record 0 announces; and remarks."""
    filled = np.flatnonzero(records.image_bytes > 0)
    if not len(records) or records.key[0] != 0 or records.flag[0] < 2 or records.image_bytes[0] > 0:
        return filled, ()
    ends = records.labels[0, :2].astype(np.float64)
    if not (np.isfinite(ends).all() and 1 <= ends[0] <= ends[1] and (ends == np.floor(ends)).all()):
        raise DataError(
            f"{records.path}: record 0 says {ends.tolist()}, expected the ends of the images and of the people"
        )
    first, last = int(ends[0]), int(ends[1])
    if len(records) < first or records.key[first - 1] != first - 1:  # keys are unique and sorted
        raise DataError(f"{records.path}: record 0 promises images 1 … {first - 1}, there are {len(records)} records")
    rows = np.arange(1, first)
    empty = rows[records.image_bytes[rows] == 0]
    if len(empty):
        raise DataError(f"{records.path}: record {empty[0]} holds no image, as record 0 promises")
    # People's records only repeat what the images' labels say: copies that were shuffled often lack them.
    people = int(((records.key >= first) & (records.key < last)).sum())
    differs = f"{records.path}: record 0 promises {last - first} people's records, there are {people}"
    return rows, (differs,) if people != last - first else ()


def _whole_numbers(
    values: npt.NDArray[np.float32], records: Records, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    wrong = ~((values >= -1) & (values < 2**24) & (values == np.floor(values)))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(
            f"{records.path}: record {records.key[rows[at]]}: the label is {values[at]}, expected a person's number"
        )
    return values.astype(np.int64)


def _attributes(values: npt.NDArray[np.float32], records: Records, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
    wrong = ~np.isin(values, (-1, 0, 1))
    if wrong.any():
        at, column = np.argwhere(wrong)[0]
        raise DataError(
            f"{records.path}: record {records.key[rows[at]]}: {ATTRIBUTES[column]} is {values[at, column]}, "
            "expected -1, 0 or 1"
        )
    return values.astype(np.int8)


def _landmarks(
    values: npt.NDArray[np.float32], records: Records, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    wrong = np.abs(values) > MAX_PLACE
    if wrong.any():
        at, column = np.argwhere(wrong)[0]
        raise DataError(
            f"{records.path}: record {records.key[rows[at]]}: {LANDMARK_COLUMNS[column]} is {values[at, column]}, "
            f"expected a number of pixels, at most {MAX_PLACE:,}"
        )
    return values.reshape(-1, 5, 2)


def _check_property(path: Path, number: npt.NDArray[np.int64] | None) -> tuple[str, ...]:
    if not path.is_file() or number is None:
        return ()
    text = read_text(path)
    match = _PROPERTY.fullmatch(text)
    if not match:
        raise DataError(f"{path}:1: {text[:40]!r}: expected people,height,width")
    promised, highest, found = int(match[1]), int(number.max()), len(np.unique(number[number >= 0]))
    if highest >= promised:
        raise DataError(f"{path}:1: promises {promised} people, a record has the number {highest}")
    return (f"{path}:1: promises {promised} people, the records show {found}",) if found != promised else ()


def _read_list(path: Path, keys: npt.NDArray[np.int64], number: npt.NDArray[np.int64] | None) -> list[str] | None:
    """Names of the images from im2rec's list (key, labels, path) or InsightFace's (aligned, path, label); or None."""
    if not path.is_file():
        return None
    names: dict[int, str] = {}
    place = {int(key): at for at, key in enumerate(keys.tolist())}
    for line, row in enumerate(read_text(path).split("\n"), start=1):
        cells = row.rstrip("\r").split("\t")
        if cells == [""]:
            continue
        if len(cells) < 3 or not _WHOLE.fullmatch(cells[0]):
            raise DataError(f"{path}:{line}: {row[:80]!r}: expected key, label and path, separated by tabs")
        insightface = not re.fullmatch(r"[-+.0-9eE]+", cells[1])
        key, label, name = (line, cells[2], cells[1]) if insightface else (int(float(cells[0])), cells[1], cells[-1])
        if key not in place or key in names or not name.isprintable() or not name:
            raise DataError(f"{path}:{line}: {row[:80]!r}: no record, or no further one, has the key {key}")
        if number is not None and _WHOLE.fullmatch(label) and int(float(label)) != number[place[key]]:
            raise DataError(f"{path}:{line}: the label is {label}, the record's is {number[place[key]]}")
        names[key] = name
    if len(names) != len(keys):
        raise DataError(f"{path}: {len(names)} rows, expected one for each of {len(keys)} images")
    return [names[key] for key in keys.tolist()]


def _names_of_people(
    known: npt.NDArray[np.int64], identity: npt.NDArray[np.int64], listed: list[str] | None
) -> tuple[str, ...]:
    """The folders that the listed paths lie in, where each person has one alone; else the numbers."""
    if listed is not None:
        folders: list[set[str]] = [set() for _ in known]
        for name, person in zip(listed, identity.tolist(), strict=True):
            if person >= 0:
                folders[person].add(Path(name).parent.name)
        names = [next(iter(folder)) for folder in folders if len(folder) == 1]
        if len(set(names)) == len(known) and "" not in names:
            return tuple(names)
    return tuple(str(number) for number in known.tolist())


LAYOUTS = (
    Layout(
        name="recordio",
        shape="RecordIO: train.rec, and perhaps train.idx, train.lst, property",
        recognises=recognises,
        open=open_record_folder,
        write=write_record_folder,
        holds=("identity", "attributes", "landmarks", "pairs"),
        rank=40,
    ),
)
