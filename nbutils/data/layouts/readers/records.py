"""RecordIO as MXNet writes it: `train.rec` with `train.idx`, and perhaps `train.lst` and `property`; without MXNet.

A record is a magic number, a word with its part (upper 3 bits) and length (lower 29), the bytes, and padding to 4. A
record whose bytes hold the magic number is written in parts, between which the reader puts it again. The bytes are a
header (flag, label, id, id2; if flag > 0, so many labels follow) and an encoded image.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.data.layouts.readers.image_files import MAX_IMAGE_BYTES, read_span, size_of
from nbutils.errors import DataError

MAGIC = 0xCED7230A
#: Parts of a record: whole, first, middle, last.
WHOLE, FIRST, MIDDLE, LAST = range(4)
MAX_LENGTH = (1 << 29) - 1

_FRAME = struct.Struct("<II")
_HEADER = struct.Struct("<IfQQ")
_BLOCK = 1 << 16
_MOST_LABELS = 64
_HEAD = np.dtype([("magic", "<u4"), ("word", "<u4"), ("flag", "<u4"), ("label", "<f4"), ("id", "<u8"), ("id2", "<u8")])


@dataclass(frozen=True, eq=False)
class Records:
    """R records of one file, by rising key: where they lie and what their headers say.

    Attributes:
        path: the file.
        key: (R,) int64.
        start: (R,) int64, first byte of the record's frame.
        length: (R,) int64, bytes in it; of a record in parts, of them all, with the magic numbers between.
        flag: (R,) int64, number of labels after the header; 0: the header's own label alone.
        labels: (R, L) float32, the first L labels of each record, L of the most; NaN where it has fewer.
        in_parts: indices of the records that are written in parts.
    """

    path: Path
    key: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    flag: npt.NDArray[np.int64]
    labels: npt.NDArray[np.float32]
    in_parts: frozenset[int]

    def __len__(self) -> int:
        return len(self.key)

    @property
    def image_bytes(self) -> npt.NDArray[np.int64]:
        """(R,) bytes that follow header and labels."""
        return self.length - _HEADER.size - 4 * self.flag

    def image(self, at: int) -> bytes:
        """What follows the header and the labels of a record: an encoded image."""
        name = f"{self.path}: record {self.key[at]}"
        skip = _HEADER.size + 4 * int(self.flag[at])
        if at in self.in_parts:
            try:
                return join_parts(self.path, int(self.start[at]), size_of(self.path), name)[skip:]
            except OSError as error:
                raise DataError(f"{name}: cannot be read: {error.strerror or error}") from error
        start = int(self.start[at]) + _FRAME.size
        return read_span(self.path, start + skip, int(self.length[at]) - skip, name)


def read_records(path: Path, index: Path | None) -> Records:
    """Finds the records of a file and reads their headers.

    Args:
        path: The `.rec` file.
        index: Its `.idx` file, lines of key and offset; None: the file is read through, keys count from 0.

    Raises:
        DataError: naming file and record, if a frame is damaged, a length or an offset leads past the end, or the index
            is malformed.
    """
    size = size_of(path)
    if size < _FRAME.size + _HEADER.size:
        raise DataError(f"{path}: {size} bytes, expected at least one record of {_FRAME.size + _HEADER.size}")
    content = np.memmap(path, np.uint8, mode="r")
    key, start = _scan(content, path) if index is None else _read_index(index)
    order = np.argsort(key, kind="stable")
    key, start = key[order], start[order]
    name = _Name(path, key)
    _refuse(
        (start < 0) | (start % 4 != 0) | (start > size - _HEAD.itemsize),
        name,
        "leads past the end, or between two records",
    )
    head = _gather(content, start, _HEAD.itemsize).view(_HEAD)[:, 0]
    _refuse(head["magic"] != MAGIC, name, f"does not begin with the magic number {MAGIC:#x}")
    part, length = (head["word"] >> 29).astype(np.int64), (head["word"] & MAX_LENGTH).astype(np.int64)
    _refuse(part > FIRST, name, "begins with a record's later part")
    flag = head["flag"].astype(np.int64)
    labels = head["label"].astype(np.float32)[:, None]
    in_parts = np.flatnonzero(part == FIRST).tolist()
    _refuse((part == WHOLE) & (start + _FRAME.size + length > size), name, "is longer than the file")
    joined = {at: join_parts(path, int(start[at]), size, f"{path}: record {key[at]}") for at in in_parts}
    for at, record in joined.items():
        length[at] = len(record)
        if len(record) >= _HEADER.size:
            flag[at], labels[at, 0] = _HEADER.unpack_from(record)[:2]
    _refuse(length < _HEADER.size + 4 * flag, name, "is too short for its header and its labels")
    _refuse(length > MAX_IMAGE_BYTES, name, f"is no image: more than {MAX_IMAGE_BYTES:,} bytes")
    wide = np.full((len(key), max(1, min(_MOST_LABELS, int(flag.max(initial=0))))), np.nan, np.float32)
    wide[:, 0] = labels[:, 0]
    for count in np.unique(flag[flag > 0]).tolist():
        rows = np.flatnonzero((flag == count) & (part == WHOLE))
        taken = min(count, _MOST_LABELS)
        wide[rows, :taken] = _gather(content, start[rows] + _HEAD.itemsize, 4 * taken).view("<f4")
    for at, record in joined.items():
        taken = min(int(flag[at]), _MOST_LABELS)
        if taken:
            wide[at, :taken] = np.frombuffer(record, "<f4", taken, _HEADER.size)
    return Records(path, key, start, length, flag, wide, frozenset(in_parts))


def join_parts(path: Path, start: int, size: int, name: str) -> bytes:
    """The bytes of a record that is written in parts.

    Args:
        path: The file.
        start: First byte of the first part's frame.
        size: Of the file.
        name: What an error calls the record.

    Raises:
        DataError: If a part is not whole, or they come in another order than first, middle …, last.
    """
    parts: list[bytes] = []
    total = 0
    with path.open("rb") as file:
        file.seek(start)
        while True:
            head = file.read(_FRAME.size)
            magic, word = _FRAME.unpack(head) if len(head) == _FRAME.size else (0, 0)
            part, length = word >> 29, word & MAX_LENGTH
            total += length + 4
            if magic != MAGIC or part not in ((MIDDLE, LAST) if parts else (FIRST,)) or total > MAX_IMAGE_BYTES:
                raise DataError(f"{name}: no {'later' if parts else 'first'} part of an image at byte {start}")
            if start + _FRAME.size + length > size:
                raise DataError(f"{name}: is longer than the file")
            parts.append(file.read(length))
            if part == LAST:
                return struct.pack("<I", MAGIC).join(parts)
            start += _FRAME.size + length + -length % 4
            file.seek(start)


def write_records(path: Path, labels: Iterable[Sequence[float]], images: Iterable[bytes], first_key: int = 0) -> None:
    """Appends records to a `.rec` file, and their keys to the `.idx` file beside it.

    Args:
        path: The `.rec` file.
        labels: Of each record; of a single one the flag is 0, as MXNet's own writer does.
        images: What follows the labels.
        first_key: Key of the first record.
    """
    with path.open("ab") as file, path.with_suffix(".idx").open("a", encoding="ascii") as index:
        for key, (values, image) in enumerate(zip(labels, images, strict=True), start=first_key):
            index.write(f"{key}\t{file.tell()}\n")
            flag, label = (0, values[0]) if len(values) == 1 else (len(values), 0.0)
            vector = np.asarray(values if flag else (), "<f4").tobytes()
            file.write(frame(_HEADER.pack(flag, label, key, 0) + vector + image))


def frame(record: bytes) -> bytes:
    """A record as the file holds it: in one part, or in parts where it holds the magic number at a word's begin."""
    magic = struct.pack("<I", MAGIC)
    cuts = [at for at in range(0, len(record) - 3, 4) if record[at : at + 4] == magic]
    begins, ends = [0, *(at + 4 for at in cuts)], [*cuts, len(record)]
    framed = b""
    for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        part = WHOLE if not cuts else FIRST if number == 0 else LAST if number == len(cuts) else MIDDLE
        length = end - begin
        framed += _FRAME.pack(MAGIC, part << 29 | length) + record[begin:end] + bytes(-length % 4)
    return framed


@dataclass(frozen=True)
class _Name:
    """What an error calls a record."""

    path: Path
    key: npt.NDArray[np.int64]


def _refuse(wrong: npt.NDArray[np.bool_], name: _Name, what: str) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        more = f" ({int(wrong.sum()) - 1} more records likewise)" if wrong.sum() > 1 else ""
        raise DataError(f"{name.path}: record {name.key[first]} {what}{more}")


def _gather(content: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.uint8]:
    """(R, count) bytes of the file from each start; all lie inside."""
    found = np.empty((len(start), count), np.uint8)
    for at in range(0, len(start), _BLOCK):
        found[at : at + _BLOCK] = content[start[at : at + _BLOCK, None] + np.arange(count)]
    return found


def _read_index(path: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    size_of(path)
    content = path.read_bytes().rstrip()
    lines = content.count(b"\n") + 1
    digits = not content.translate(None, b"0123456789\t\r\n")
    pairs = np.fromstring(content, np.int64, sep=" ") if digits and content else np.empty(0, np.int64)
    if len(pairs) != 2 * lines or content.count(b"\t") != lines:
        raise DataError(f"{path}: expected lines of two whole numbers, key and offset, with a tab between")
    pairs = pairs.reshape(-1, 2)
    for column, what in ((0, "key"), (1, "offset")):
        values, first = np.unique(pairs[:, column], return_index=True)
        if len(values) != len(pairs):
            line = int(np.setdiff1d(np.arange(len(pairs)), first)[0]) + 1
            raise DataError(f"{path}:{line}: the {what} {pairs[line - 1, column]} is there already")
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def _scan(content: npt.NDArray[np.uint8], path: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Keys and starts of all records of a file without an index."""
    starts, at, size = [], 0, len(content)
    while at < size:
        if at + _FRAME.size > size:
            raise DataError(f"{path}: ends in the middle of a record, at byte {at}")
        magic, word = _FRAME.unpack(content[at : at + _FRAME.size].tobytes())
        if magic != MAGIC:
            raise DataError(f"{path}: byte {at} is not the magic number {MAGIC:#x} that begins a record")
        if word >> 29 in (WHOLE, FIRST):
            starts.append(at)
        at += _FRAME.size + (word & MAX_LENGTH) + -(word & MAX_LENGTH) % 4
    return np.arange(len(starts), dtype=np.int64), np.array(starts, np.int64)
