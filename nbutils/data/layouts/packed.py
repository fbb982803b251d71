"""A pack: crops made by this project, memory-mapped; see `nbutils.data.pack.info`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.collection import LANDMARK_COLUMNS, Collection
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
    """Opens a pack; reads the index, maps the images. Digests are checked by `damaged`.

    Raises:
        DataError: naming the file, if it is missing, or not as the pack's description says.
    """
    info = form.read_info(root)
    count = info.images
    crops = _images(root / form.IMAGES, (count, info.height, info.width, 3))
    path = root / form.INDEX
    index = _table(path, count, without="sha256")
    people = _table(root / form.IDENTITIES, info.identities)["name"].to_pylist()
    identity = _column(path, index, "identity", np.int64)
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
        attributes=_columns(path, index, ATTRIBUTES, np.int8),
        landmarks=_points(path, index),
        partition=_column(path, index, "partition", np.int8),
        pairs=_pairs(root / form.PAIRS, count) if form.PAIRS in info.files else None,
        crops=crops,
        missing={at: str(missing[at].as_py()) for at in absent},
        remarks=info.remarks,
    )


def damaged(root: Path) -> Iterator[str]:
    """Damage to a pack: one line for each file or image that is not as it was written.

    Raises:
        DataError: As `open_pack`.
    """
    info = form.read_info(root)
    wrong = [name for name, digest in info.files.items() if form.file_digest(root / name) != digest]
    yield from (f"{root / name}: its SHA-256 is not the one in {form.INFO}" for name in wrong)
    if form.INDEX in wrong:
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
        table.select([name for name in ("name", "missing") if name in names]).validate(full=True)  # UTF-8
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    needed = {form.INDEX: {"name", "missing"}, form.IDENTITIES: {"name"}}.get(path.name, set())
    if table.num_rows != rows or not needed <= set(names):
        raise DataError(f"{path}: {table.num_rows} rows of {names}, expected {rows} rows with {sorted(needed)}")
    return table


def _column(path: Path, table: Any, name: str, kind: type) -> npt.NDArray[Any] | None:  # noqa: ANN401
    if name not in table.column_names:
        return None
    try:
        return np.asarray(table[name].to_numpy(), kind)
    except (ValueError, TypeError, pa.ArrowException) as error:
        raise DataError(f"{path}: column {name!r}: {error}") from error


def _columns(path: Path, table: Any, names: Sequence[str], kind: type) -> npt.NDArray[Any] | None:  # noqa: ANN401
    columns = [column for name in names if (column := _column(path, table, name, kind)) is not None]
    return np.stack(columns, axis=1) if len(columns) == len(names) else None


def _points(path: Path, table: Any) -> npt.NDArray[np.float32] | None:  # noqa: ANN401
    columns = _columns(path, table, LANDMARK_COLUMNS, np.float32)
    return None if columns is None else columns.reshape(-1, 5, 2)


def _pairs(path: Path, count: int) -> Pairs:
    try:
        table = pq.read_table(path)
        first, second, same, fold = (table[name].to_numpy() for name in ("first", "second", "same", "fold"))
        pairs = Pairs(first.astype(np.int64), second.astype(np.int64), same.astype(np.bool_), fold.astype(np.int64))
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path}: not a list of pairs: {error}") from error
    both = np.concatenate([pairs.first, pairs.second])
    if len(both) and (both.min() < 0 or both.max() >= count):
        raise DataError(f"{path}: names image {both.max()} (lowest {both.min()}), expected 0 … {count - 1}")
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
