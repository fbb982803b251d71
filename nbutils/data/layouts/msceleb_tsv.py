"""MS-Celeb-1M as its makers published it: lines of seven columns, the last the image in base64.

Guo et al. 2016, FaceImageCroppedWithAlignment.tsv: the person's Freebase MID, the image's rank in the search, its
address, the page's address, the face's id, its rectangle, and the cropped face.
"""

from __future__ import annotations

import base64
import binascii
import mmap
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.data.collection import Collection
from nbutils.data.layouts.base import Layout
from nbutils.data.layouts.readers.image_files import MAX_IMAGE_BYTES, SpanReader, only_file, size_of
from nbutils.data.layouts.readers.pair_list import read_pair_list, write_pair_list
from nbutils.errors import DataError

COLUMNS = 7
#: Everything before the image in a line.
_MAX_HEAD = 1 << 16
_MAX_NAME = 256


def recognises(root: Path) -> bool:
    """Whether the path is such a file, or a folder with exactly one."""
    return only_file(root, ".tsv") is not None


def open_msceleb_tsv(root: Path) -> Collection:
    """Opens one file of lines; images in its order. It is read through once, for where each image lies.

    Raises:
        DataError: naming file and line, if a line has another number of columns or no person.
    """
    path = only_file(root, ".tsv")
    if path is None:
        raise DataError(f"{root}: expected a .tsv file, or a folder with exactly one")
    if not size_of(path):
        raise DataError(f"{path}: is empty, expected a line an image")
    people, spans = _scan(path)
    try:
        found = [name.decode() for name in people]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: the person {error.object[:40]!r} is not UTF-8 text") from error
    unprintable = next((name for name in found if not name.isprintable()), None)
    if unprintable is not None:
        raise DataError(f"{path}: the person {unprintable[:40]!r} is not printable text")
    who, start, stop = spans.T
    # People are numbered by name, whatever the order of the lines.
    order = np.array(sorted(range(len(found)), key=found.__getitem__), np.int64)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    names = _Names([found[at] for at in order], rank[who])
    return Collection(
        layout="msceleb_tsv",
        root=root,
        names=names,
        read=_Base64(SpanReader(path, start.copy(), stop.copy())),
        identity=names.identity,
        identity_names=names.people,
        pairs=read_pair_list(path.with_name("pairs.csv"), names),
    )


def write_msceleb_tsv(collection: Collection, folder: Path) -> None:
    """Writes `faces.tsv`, and `pairs.csv` where there are pairs; addresses and rectangle stay empty.

    Raises:
        DataError: If an image has no identity, or a person's name is empty or not printable.
    """
    identity = collection.identity
    if identity is None or (identity < 0).any():
        raise DataError(f"{collection.root}: some images have no identity, which MS-Celeb-1M's form needs")
    wrong = [name for name in collection.identity_names if not name.isprintable() or not name]
    if wrong:
        raise DataError(f"{collection.root}: person {wrong[0][:40]!r} has no printable name, which a column needs")
    with (folder / "faces.tsv").open("w", encoding="utf-8", newline="\n") as file:
        for at, person in enumerate(identity.tolist()):
            image = base64.b64encode(collection.read(at)).decode()
            file.write(f"{collection.identity_names[person]}\t{at}\t\t\tFaceId-0\t\t{image}\n")
    names = [f"{collection.identity_names[person]}/{at + 1}" for at, person in enumerate(identity.tolist())]
    write_pair_list(folder / "pairs.csv", collection.pairs, names)


@dataclass(frozen=True, eq=False)
class _Names(Sequence[str]):
    """The person and the number of the line of each image, from 1, made on demand."""

    people: list[str]
    identity: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.identity)

    def __getitem__(self, at: int) -> str:  # type: ignore[override]
        line = range(1, len(self) + 1)[at]
        return f"{self.people[self.identity[at]]}/{line}"


@dataclass(frozen=True)
class _Base64:
    """Reads image i out of its line."""

    spans: SpanReader

    def __call__(self, at: int) -> bytes:
        try:
            return base64.b64decode(self.spans(at), validate=True)
        except binascii.Error as error:
            raise DataError(f"{self.spans.path}:{at + 1}: the image is not base64: {error}") from error


def _scan(path: Path) -> tuple[dict[bytes, int], npt.NDArray[np.int64]]:
    """People in the order of their first lines; (N, 3) person, first byte of the image, the byte after its last."""
    people: dict[bytes, int] = {}
    rows = array("q")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at, size, line = 0, len(content), 0
        while at < size:
            line += 1
            end = content.find(b"\n", at)
            end = size if end < 0 else end
            columns = content[at : min(end, at + _MAX_HEAD)].split(b"\t", COLUMNS - 1)
            start = at + sum(map(len, columns[:-1])) + COLUMNS - 1
            if len(columns) != COLUMNS or content.find(b"\t", start, end) >= 0:
                raise DataError(f"{path}:{line}: expected {COLUMNS} columns, separated by tabs, the last an image")
            stop = end - (content[end - 1 : end] == b"\r")
            if not 0 < len(columns[0]) <= _MAX_NAME or not 0 < stop - start <= MAX_IMAGE_BYTES:
                raise DataError(f"{path}:{line}: expected a person in the first column and an image in the last")
            rows.extend((people.setdefault(columns[0], len(people)), start, stop))
            at = end + 1
    return people, np.array(rows, np.int64).reshape(-1, 3)


LAYOUTS = (
    Layout(
        name="msceleb_tsv",
        shape="MS-Celeb-1M: a .tsv file of seven columns, the images in base64",
        recognises=recognises,
        open=open_msceleb_tsv,
        write=write_msceleb_tsv,
        holds=("identity", "pairs"),
        rank=60,
    ),
)
