"""Packs a collection: decode and crop once, on all cores, into one memory-mapped array with an index.

Images stream through: memory depends neither on their number nor on the size of the pack. What is done is kept in
`<out>.partial` block by block, so that a packing that was interrupted continues; the pack itself appears whole.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout
from tqdm.auto import tqdm

from nbutils.data.collection import Collection
from nbutils.data.cropping import CROP_RULES, crop_face
from nbutils.data.geometry.template import CropRule, face_box
from nbutils.data.pack import info as form
from nbutils.data.pack.unfinished import Block, Parts, Plan
from nbutils.errors import DataError, ParameterError
from nbutils.memory import keep_freed_memory
from nbutils.writing import sync, sync_tree

#: Bytes of crops that may be under way at once, over all cores, and in one task.
_UNDER_WAY, _TASK = 1 << 27, 1 << 19
#: Images and bytes of a block at most: what an interruption costs.
_BLOCK_IMAGES, _BLOCK_BYTES = 8192, 1 << 28
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def pack_collection(
    collection: Collection,
    out: Path,
    rule: CropRule,
    height: int,
    width: int,
    *,
    title: str = "",
    quarantine: bool = False,
    progress: bool = True,
) -> form.PackInfo:
    """Packs a collection, or continues where an earlier call was interrupted.

    Images that a list promises and the folder lacks stay in the index, as missing, so that the pack answers as the
    collection does. Boxes are not kept.

    Args:
        collection: What to pack.
        out: Folder of the pack, which must not exist.
        rule: How images are cropped.
        height: Of each crop, in pixels, any margin for augmentation included.
        width: Likewise.
        title: Of the data set.
        quarantine: Leave out images that are missing or damaged, and the pairs they are in, and list them with the
            reasons, instead of stopping at the first damaged one.
        progress: Show a progress bar.

    Returns:
        What the pack is.

    Raises:
        DataError: An image cannot be decoded or cropped (naming it), the disk is full (nothing is left behind), `out`
            exists, or `<out>.partial` was begun of something else.
        ParameterError: If rule, height or width are out of range.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.data import Collection, open_collection, pack_collection
        >>> faces = Collection("mine", Path("mine"), names=["a"], read=lambda at: b"P5 2 1 255 " + bytes(2))
        >>> with TemporaryDirectory() as folder:
        ...     _ = pack_collection(faces, Path(folder, "pack"), "whole", 61, 53, progress=False)
        ...     open_collection(f"{folder}/pack").crops.shape
        (1, 61, 53, 3)
    """
    if rule not in CROP_RULES:
        raise ParameterError(f"the rule of crops is {rule!r}: expected one of {', '.join(CROP_RULES)}")
    face_box(height, width)  # refuses sizes that are out of range
    out = out.resolve()
    if out.exists():
        raise DataError(f"{out}: exists already; remove it, or name another folder")
    keep_freed_memory()
    making = out.with_name(out.name + ".partial")
    with _disk(out, making, len(collection) * height * width * 3), _alone(making):
        parts = Parts(making, _plan(collection, rule, height, width), quarantine)
        try:
            _crop_all(collection, parts, rule, (height, width), quarantine, progress)
            info = parts.finish(collection, title or collection.root.name, rule)
        except DataError:
            if not parts.done:  # nothing to continue from
                shutil.rmtree(making)
            raise
        finally:
            parts.close()
        sync_tree(making)
        os.replace(making, out)
        sync(out.parent)
        Parts.tidy(out)
    return info


def _plan(collection: Collection, rule: CropRule, height: int, width: int) -> Plan:
    names = hashlib.sha256()
    for at in range(len(collection)):
        names.update(collection.names[at].encode() + b"\0")
    return {
        "images": len(collection),
        "names": names.hexdigest(),
        "layout": collection.layout,
        "rule": rule,
        "height": height,
        "width": width,
    }


@dataclass(frozen=True)
class _Task:
    """Crops of some images in a row, their digests, and the errors of some, which are black."""

    images: range
    crops: npt.NDArray[np.uint8]
    digests: list[bytes]
    landmarks: npt.NDArray[np.float32] | None
    errors: dict[int, str]


def _crop_all(
    collection: Collection, parts: Parts, rule: CropRule, size: tuple[int, int], quarantine: bool, progress: bool
) -> None:
    workers = os.cpu_count() or 1
    image_bytes = 3 * size[0] * size[1]
    step = max(1, min(_TASK, _UNDER_WAY // (3 * workers)) // image_bytes)
    in_block = max(1, min(_BLOCK_IMAGES, _BLOCK_BYTES // image_bytes))
    bar = tqdm(desc="packing", total=len(collection), initial=parts.next_image, disable=not progress, unit="image")
    # Threads suffice: simplejpeg and Pillow decode and resize without the interpreter's lock.
    with bar, ThreadPoolExecutor(workers) as pool:
        for start in range(parts.next_image, len(collection), in_block):
            block = Block(range(start, min(start + in_block, len(collection))))
            ranges = [range(at, min(at + step, block.images.stop)) for at in block.images[::step]]
            for task in _in_order(pool, 2 * workers, partial(_crop_some, collection, rule, size), ranges):
                for at, error in task.errors.items():
                    if quarantine:
                        block.quarantined[at] = error
                    elif at not in collection.missing:
                        raise DataError(f"{error} (--quarantine sets such images aside)")
                _keep(task, block, parts)
                bar.update(len(task.images))
            parts.publish(block, collection)


def _keep(task: _Task, block: Block, parts: Parts) -> None:
    rows = [at - task.images.start for at in block.kept(task.images)]
    whole = len(rows) == len(task.images)
    parts.write(task.crops if whole else task.crops[rows])
    block.digests += [task.digests[row] for row in rows]
    if task.landmarks is not None:
        block.landmarks.append(task.landmarks if whole else task.landmarks[rows])


def _in_order(
    pool: ThreadPoolExecutor, at_once: int, work: Callable[[range], _Task], ranges: list[range]
) -> Iterator[_Task]:
    """Tasks in order, several at once; those no longer needed are cancelled."""
    waiting: deque[Future[_Task]] = deque()
    try:
        for images in ranges:
            waiting.append(pool.submit(work, images))
            if len(waiting) > at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _crop_some(collection: Collection, rule: CropRule, size: tuple[int, int], images: range) -> _Task:
    crops = np.zeros((len(images), *size, 3), np.uint8)
    landmarks = None if collection.landmarks is None else np.full((len(images), 5, 2), np.nan, np.float32)
    errors: dict[int, str] = {}
    for row, at in enumerate(images):
        try:
            if at in collection.missing:
                raise DataError(collection.missing[at])
            crops[row], points = crop_face(collection, at, rule, *size)
        except DataError as error:
            errors[at] = str(error)
            continue
        if landmarks is not None and points is not None:
            landmarks[row] = points
    digests = [hashlib.sha256(crop.data).digest() for crop in crops]
    return _Task(images, crops, digests, landmarks, errors)


@contextmanager
def _alone(making: Path) -> Iterator[None]:
    lock = FileLock(making.with_name(making.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise DataError(f"{making}: another process is packing there") from None
    try:
        yield
    finally:
        with suppress(PermissionError):  # Windows removes it on release
            Path(lock.lock_file).unlink(missing_ok=True)  # while it is held, so that it is nobody else's
        lock.release()


@contextmanager
def _disk(out: Path, making: Path, size: int) -> Iterator[None]:
    """Makes the folder, and turns the system's errors into the project's."""
    try:
        making.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise DataError(f"{error.filename or making}: cannot be written: {error.strerror or error}") from error
        shutil.rmtree(making, ignore_errors=True)
        free = shutil.disk_usage(out.parent).free
        raise DataError(
            f"{out}: the disk is full: the pack takes {size / 1e9:.3g} GB, {free / 1e9:.3g} GB are free there. "
            "Nothing was left behind"
        ) from error
