"""An unfinished pack: its pixels so far, and its index block by block."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.collection import LANDMARK_COLUMNS, Collection
from nbutils.data.geometry.template import CropRule
from nbutils.data.pack import info as form
from nbutils.errors import DataError
from nbutils.writing import no_formula, replacing, write_aside

#: What must be the same for a packing to be continued.
Plan = dict[str, str | int]

_PLAN, _PARTS, _BLOCK = "plan.json", "parts", "block"


@dataclass
class Block:
    """The images of one block.

    Attributes:
        images: their indices in the collection.
        quarantined: those left out, with the reason.
        digests: SHA-256 of each crop kept.
        landmarks: (n, 5, 2) key points in the crops, task by task.
    """

    images: range
    quarantined: dict[int, str] = field(default_factory=dict)
    digests: list[bytes] = field(default_factory=list)
    landmarks: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def kept(self, images: range | None = None) -> list[int]:
        """The images not left out, of the block or of some of it."""
        return [at for at in images or self.images if at not in self.quarantined]


class Parts:
    """Everything in `<out>.partial`: `images.npy`, and in `parts/` an index and the list of quarantine a block.

    Attributes:
        next_image: index in the collection of the first image that is not done.
        quarantined: the images left out so far, with the reason.
    """

    def __init__(self, folder: Path, plan: Plan, quarantine: bool) -> None:
        """Starts, or continues what an earlier call left; blocks of the other treatment of damaged images are redone.

        Raises:
            DataError: If the folder holds an unfinished pack of something else.
        """
        self.next_image, self.quarantined = 0, dict[int, str]()
        self._folder, self._plan, self._rows = folder, plan, 0
        self._shape = (int(plan["height"]), int(plan["width"]), 3)
        self._image_bytes = int(np.prod(self._shape))
        path = folder / _PLAN
        if path.exists() and _read_json(path) != plan:
            raise DataError(f"{folder}: holds an unfinished pack of something else; remove it, or name another folder")
        (folder / _PARTS).mkdir(exist_ok=True)
        images = folder / form.IMAGES
        self._file: IO[bytes] = images.open("r+b" if path.exists() and images.exists() else "w+b")
        try:
            self._reserve(int(plan["images"]) * self._image_bytes)
            write_aside(path, json.dumps(plan).encode())
            self._find_done(quarantine)
        except BaseException:
            self.close()
            raise

    @property
    def done(self) -> list[Path]:
        """The indices of the blocks done, in order."""
        return sorted((self._folder / _PARTS).glob("*.parquet"))

    def close(self) -> None:
        """Closes the file of pixels."""
        self._file.close()

    def write(self, crops: npt.NDArray[np.uint8]) -> None:
        """Appends pixels; they count once their block is published."""
        self._file.write(crops.data)

    def publish(self, block: Block, collection: Collection) -> None:
        """Makes a block durable: its pixels, then its index."""
        self._file.flush()
        os.fsync(self._file.fileno())
        table = _index(block, collection)
        metadata = {_BLOCK: json.dumps([block.images.start, block.images.stop, *block.quarantined.items()])}
        path = self._folder / _PARTS / f"{block.images.start:012d}.parquet"
        with replacing(path) as aside:
            pq.write_table(table.replace_schema_metadata(metadata), aside, write_page_checksum=True)
        self._count(block.images.stop, block.quarantined, table.num_rows)

    def finish(self, collection: Collection, title: str, rule: CropRule) -> form.PackInfo:
        """Joins the blocks and writes what else a pack has; the description last."""
        if not self._rows:
            raise DataError(f"{collection.root}: no image is left to pack")
        self._file.seek(0)
        self._file.write(form.header((self._rows, *self._shape)))
        self._file.truncate(form.HEADER_BYTES + self._rows * self._image_bytes)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.close()
        whole = self._join()
        pq.write_table(
            pa.table({"name": pa.array(list(collection.identity_names), pa.string())}), self._folder / form.IDENTITIES
        )
        files: list[form.Listed] = [form.INDEX, form.IDENTITIES]
        remarks = list(collection.remarks)
        if collection.pairs is not None:
            dropped = self._write_pairs(collection)
            files.append(form.PAIRS)
            if dropped:
                remarks.append(f"{dropped} pairs are left out with their images in quarantine")
        if self.quarantined:
            with (self._folder / form.QUARANTINE).open("w", newline="", encoding="utf-8") as file:
                rows = ((collection.names[at], reason) for at, reason in sorted(self.quarantined.items()))
                csv.writer(file).writerows([("name", "reason"), *(map(no_formula, row) for row in rows)])
            files.append(form.QUARANTINE)
        info = form.PackInfo(
            title=title,
            layout=collection.layout,
            rule=rule,
            height=self._shape[0],
            width=self._shape[1],
            images=self._rows,
            identities=len(collection.identity_names),
            quarantined=len(self.quarantined),
            crops=whole,
            files={name: form.file_digest(self._folder / name) for name in files},
            remarks=tuple(remarks),
        ).sealed()
        write_aside(self._folder / form.INFO, info.model_dump_json(indent=1).encode())
        return info

    @staticmethod
    def tidy(folder: Path) -> None:
        """Removes from a finished pack the files that only packing needed."""
        shutil.rmtree(folder / _PARTS)
        (folder / _PLAN).unlink()

    def _reserve(self, size: int) -> None:
        """Takes the room for all pixels at once, so that a disk that is too small shows before any work."""
        self._file.seek(form.HEADER_BYTES)
        size += form.HEADER_BYTES
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._file.fileno(), 0, size)
            return
        missing = size - os.fstat(self._file.fileno()).st_size
        if missing > shutil.disk_usage(self._folder).free:
            raise OSError(errno.ENOSPC, "no room for the pixels", str(self._folder))

    def _find_done(self, quarantine: bool) -> None:
        """Counts the blocks that are whole, and drops the first that is not with all after it."""
        found = self.done
        for at, path in enumerate(found):
            block = self._whole(path, quarantine)
            if block is None:
                for later in found[at:]:
                    later.unlink()
                break
            self._count(*block)
        self._file.seek(form.HEADER_BYTES + self._rows * self._image_bytes)

    def _whole(self, path: Path, quarantine: bool) -> tuple[int, dict[int, str], int] | None:
        try:
            table = pq.read_table(path, page_checksum_verification=True)
            start, stop, *quarantined = json.loads(table.schema.metadata[_BLOCK.encode()])
        except (OSError, ValueError, KeyError, pa.ArrowException):
            return None
        has_missing = table["missing"].null_count < table.num_rows
        if start != self.next_image or (has_missing if quarantine else bool(quarantined)):
            return None
        self._file.seek(form.HEADER_BYTES + self._rows * self._image_bytes)
        for digest in table["sha256"].to_pylist():
            if hashlib.sha256(self._file.read(self._image_bytes)).digest() != digest:
                return None
        return stop, dict(quarantined), table.num_rows

    def _count(self, next_image: int, quarantined: dict[int, str], rows: int) -> None:
        self.next_image = next_image
        self.quarantined.update(quarantined)
        self._rows += rows

    def _join(self) -> str:
        """One index of all blocks; the digest of the crops' digests."""
        whole = hashlib.sha256()
        with pq.ParquetWriter(self._folder / form.INDEX, pq.read_schema(self.done[0]).remove_metadata()) as writer:
            for path in self.done:
                table = pq.read_table(path).replace_schema_metadata(None)
                writer.write_table(table)
                for digest in table["sha256"].to_pylist():
                    whole.update(digest)
        return whole.hexdigest()

    def _write_pairs(self, collection: Collection) -> int:
        pairs = collection.pairs
        assert pairs is not None
        kept = np.ones(len(collection), np.bool_)
        kept[list(self.quarantined)] = False
        row = np.cumsum(kept) - 1
        keep = kept[pairs.first] & kept[pairs.second]
        columns = {"first": row[pairs.first], "second": row[pairs.second], "same": pairs.same, "fold": pairs.fold}
        table = pa.table({name: values[keep] for name, values in columns.items()})
        pq.write_table(table, self._folder / form.PAIRS)
        return int((~keep).sum())


def _index(block: Block, collection: Collection) -> Any:  # noqa: ANN401 — pyarrow has no types
    """Rows of the index for the images kept."""
    rows = block.kept()
    columns: dict[str, Any] = {
        "name": pa.array([collection.names[at] for at in rows], pa.string()),
        "missing": pa.array([collection.missing.get(at) for at in rows], pa.string()),
    }
    if collection.identity is not None:
        columns["identity"] = collection.identity[rows]
    if collection.partition is not None:
        columns["partition"] = collection.partition[rows]
    if collection.attributes is not None:
        columns |= dict(zip(ATTRIBUTES, np.ascontiguousarray(collection.attributes[rows].T), strict=True))
    if collection.landmarks is not None:
        points = np.concatenate([np.empty((0, 5, 2), np.float32), *block.landmarks]).reshape(-1, 10)
        columns |= dict(zip(LANDMARK_COLUMNS, np.ascontiguousarray(points.T), strict=True))
    columns["sha256"] = pa.array(block.digests, pa.binary(32))
    return pa.table(columns)


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
