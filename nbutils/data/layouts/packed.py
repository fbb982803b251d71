"""A pack: crops made by this project, memory-mapped; see `nbutils.data.pack.info`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.collection import LANDMARK_COLUMNS, NOT_LISTED, TEST, Collection
from nbutils.data.faces import Pairs
from nbutils.data.layouts.base import Layout
from nbutils.data.pack import info as form
from nbutils.errors import DataError

_DIGEST_BATCH = 4096


class _Names(Sequence[str]):
    """Strings of a column, made on demand."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, at: int) -> str:  # type: ignore[override]
        return str(self._column[at].as_py())


def recognises(root: Path) -> bool:
    """Whether the path is a folder with a pack's description."""
    return (root / form.INFO).is_file()


def open_pack(root: Path) -> Collection:
    """Opens a pack: checks the digests of all files but the images, reads the index, maps the images.

    The images' digests are checked where images are taken from it (`Collection.check_crops`), and all by `damaged`.

    Raises:
        DataError: naming the file, if it is missing, or not as the pack's description says.
    """
    info = form.read_info(root)
    for harm in _damaged_files(root, info):  # before Parquet's reader sees them
        raise DataError(harm)
    count = info.images
    crops = _images(root / form.IMAGES, (count, info.height, info.width, 3))
    path = root / form.INDEX
    index = _table(path, count, without="sha256")
    people = _table(root / form.IDENTITIES, info.identities)["name"].to_pylist()
    if None in people:
        raise DataError(f"{root / form.IDENTITIES}: person {people.index(None)} has no name")
    identity = _column(path, index, "identity", pa.int64())
    if identity is not None and (identity.min() < -1 or identity.max() >= len(people)):
        raise DataError(f"{path}: identity is out of range, expected -1 … {len(people) - 1}")
    missing = index["missing"]
    absent = np.flatnonzero(missing.is_valid().to_numpy()).tolist() if missing.null_count < count else []
    return Collection(
        layout="pack",
        root=root,
        names=_Names(index["name"]),
        read=_nothing_encoded(root),
        identity=identity,
        identity_names=tuple(people),
        attributes=_in_range(path, "attributes", _columns(path, index, ATTRIBUTES, pa.int8()), -1, 1),
        landmarks=_points(path, index),
        partition=_in_range(path, "partition", _column(path, index, "partition", pa.int8()), NOT_LISTED, TEST),
        pairs=_pairs(root / form.PAIRS, count) if form.PAIRS in info.files else None,
        crops=crops,
        check_crops=partial(_check_crops, root / form.INDEX, crops),
        missing={at: str(missing[at].as_py()) for at in absent},
        remarks=info.remarks,
    )


def damaged(root: Path) -> Iterator[str]:
    """Damage to a pack: one line for each file or image that is not as it was written.

    Raises:
        DataError: As `open_pack`.
    """
    info = form.read_info(root)
    wrong = list(_damaged_files(root, info))
    yield from wrong
    if any(line.startswith(f"{root / form.INDEX}:") for line in wrong):
        return
    crops = _images(root / form.IMAGES, (info.images, info.height, info.width, 3))
    index = _table(root / form.INDEX, info.images)
    whole, at = hashlib.sha256(), 0
    for batch in index.select(["name", "sha256"]).to_batches(_DIGEST_BATCH):
        for name, digest in zip(*batch.to_pydict().values(), strict=True):
            whole.update(digest)
            if hashlib.sha256(crops[at].data).digest() != digest:
                yield f"{root / form.IMAGES}: image {at} ({name}): its SHA-256 is not the one in {form.INDEX}"
            at += 1
    if whole.hexdigest() != info.crops:
        yield f"{root / form.INDEX}: the digests of the images are not those that {form.INFO} was written for"


def _damaged_files(root: Path, info: form.PackInfo) -> Iterator[str]:
    for name in (form.INDEX, form.IDENTITIES, *sorted({*info.files} - {form.INDEX, form.IDENTITIES})):
        if form.file_digest(root / name) != info.files.get(name):
            yield f"{root / name}: its SHA-256 is not the one in {form.INFO}"


def _check_crops(index: Path, crops: npt.NDArray[np.uint8], rows: Sequence[int]) -> None:
    """Compares crops with their digests in the index, on all cores."""
    digests = pq.read_table(index, columns=["sha256"])["sha256"].to_pylist()

    def first_wrong(some: Sequence[int]) -> int | None:
        return next((at for at in some if hashlib.sha256(crops[at].data).digest() != digests[at]), None)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = (rows[at : at + _DIGEST_BATCH] for at in range(0, len(rows), _DIGEST_BATCH))
        for wrong in pool.map(first_wrong, parts):
            if wrong is not None:
                images = index.with_name(form.IMAGES)
                raise DataError(f"{images}: image {wrong}: its SHA-256 is not the one in {form.INDEX}")


def _images(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    try:
        with path.open("rb") as file:
            head = file.read(form.HEADER_BYTES)
        if head != form.header(shape):  # compared, not parsed: NumPy's own reader evaluates it as Python
            raise DataError(f"{path}: expected a NumPy file of uint8 of shape {shape}")
        # Copy-on-write: torch wants writeable memory, and the file must never change.
        return np.memmap(path, np.uint8, mode="c", offset=form.HEADER_BYTES, shape=shape)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be mapped: {error}") from error


def _table(path: Path, rows: int, without: str = "") -> Any:  # noqa: ANN401 — pyarrow has no types
    try:
        names = [name for name in pq.read_schema(path).names if name != without]
        table = pq.read_table(path, columns=names, memory_map=True)
        texts = [name for name in ("name", "missing") if name in names]
        table.select(texts).validate(full=True)  # UTF-8
        wrong = [name for name in texts if not _printable(table[name])]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    needed = {form.INDEX: {"name", "missing"}, form.IDENTITIES: {"name"}}.get(path.name, set())
    if table.num_rows != rows or not needed <= set(names):
        raise DataError(f"{path}: {table.num_rows} rows of {names}, expected {rows} rows with {sorted(needed)}")
    if wrong:
        raise DataError(f"{path}: column {wrong[0]!r} is no text of printable characters")
    return table


def _printable(column: Any) -> bool:  # noqa: ANN401
    if not pa.types.is_string(column.type):
        return False
    return column.null_count == len(column) or bool(pc.all(pc.utf8_is_printable(column)).as_py())


def _column(path: Path, table: Any, name: str, kind: Any) -> npt.NDArray[Any] | None:  # noqa: ANN401
    if name not in table.column_names:
        return None
    column = table[name]
    number = pa.types.is_floating if pa.types.is_floating(kind) else pa.types.is_integer
    try:
        if column.null_count or not number(column.type):
            raise ValueError(f"{column.null_count} nulls among {column.type}, expected {kind}")
        values: npt.NDArray[Any] = column.cast(kind).to_numpy()
    except (ValueError, TypeError, pa.ArrowException) as error:
        raise DataError(f"{path}: column {name!r}: {error}") from error
    return values


def _columns(path: Path, table: Any, names: Sequence[str], kind: Any) -> npt.NDArray[Any] | None:  # noqa: ANN401
    columns = [column for name in names if (column := _column(path, table, name, kind)) is not None]
    return np.stack(columns, axis=1) if len(columns) == len(names) else None


def _in_range(
    path: Path, name: str, values: npt.NDArray[np.int8] | None, least: int, most: int
) -> npt.NDArray[np.int8] | None:
    if values is not None and (values.min() < least or values.max() > most):
        raise DataError(f"{path}: {name} are {values.min()} … {values.max()}, expected {least} … {most}")
    return values


def _points(path: Path, table: Any) -> npt.NDArray[np.float32] | None:  # noqa: ANN401
    columns = _columns(path, table, LANDMARK_COLUMNS, pa.float32())
    return None if columns is None else columns.reshape(-1, 5, 2)


def _pairs(path: Path, count: int) -> Pairs:
    try:
        table = pq.read_table(path)
        columns = [table[name] for name in ("first", "second", "same", "fold")]
        if any(column.null_count for column in columns) or not pa.types.is_boolean(columns[2].type):
            raise ValueError("expected first, second, same and fold of every pair")
        first, second, fold = (np.array(columns[at].cast(pa.int64())) for at in (0, 1, 3))
        pairs = Pairs(first, second, np.array(columns[2]), fold)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path}: not a list of pairs: {error}") from error
    both = np.concatenate([pairs.first, pairs.second])
    if len(both) and (both.min() < 0 or both.max() >= count):
        raise DataError(f"{path}: names image {both.max()} (lowest {both.min()}), expected 0 … {count - 1}")
    if len(fold) and not 0 <= fold.min() <= fold.max() <= len(fold):
        raise DataError(f"{path}: folds are {fold.min()} … {fold.max()}, expected 0 … {len(fold)}")
    return pairs


def _nothing_encoded(root: Path) -> Callable[[int], bytes]:
    def read(index: int) -> bytes:
        raise DataError(f"{root}: a pack holds crops, not the encoded images (asked for image {index})")

    return read


LAYOUTS = (
    Layout(
        name="pack",
        shape="pack.json and what it describes, as `nbutils data pack` writes it",
        recognises=recognises,
        open=open_pack,
        rank=0,
    ),
)
