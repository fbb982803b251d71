"""MNIST's form: idx files of grey images and of their labels, for training and for test, plain or gzipped."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.data.collection import TEST, TRAIN, Collection, numbers_of_people
from nbutils.data.layouts.base import Layout
from nbutils.data.layouts.readers.idx_files import read_idx
from nbutils.errors import DataError

#: Names of the files' parts, and what they are for.
PARTS = {"train": TRAIN, "t10k": TEST}
#: Below the root, where torchvision puts the files, or in the root itself.
_FOLDERS = ("MNIST/raw", "")


def recognises(root: Path) -> bool:
    """Whether the folder holds the images of a part."""
    return any(_find(root, f"{part}-images-idx3-ubyte") for part in PARTS)


def open_idx_folder(root: Path) -> Collection:
    """Opens the training images, then the test images; a label is an "identity".

    Raises:
        DataError: If a file is missing or damaged, or images and labels disagree.
    """
    images, labels, names, partition = [], [], list[str](), list[int]()
    for part, purpose in PARTS.items():
        files = [_find(root, f"{part}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1")]
        if files == [None, None]:
            continue
        if files[0] is None or files[1] is None:
            raise DataError(
                f"{root}: expected {part}-images-idx3-ubyte and {part}-labels-idx1-ubyte, found one of them"
            )
        images.append(read_idx(files[0], 3))
        labels.append(read_idx(files[1], 1))
        count = len(images[-1])
        if count != len(labels[-1]) or images[-1].shape[1:] != images[0].shape[1:] or not images[0].size:
            raise DataError(f"{files[0]}: {count} images and {len(labels[-1])} labels, expected as many, of one size")
        names += [f"{part}/{at}" for at in range(count)]
        partition += [purpose] * count
    if not names:
        raise DataError(
            f"{root}: expected train-images-idx3-ubyte and train-labels-idx1-ubyte (perhaps .gz) with images"
        )
    known, identity = np.unique(np.concatenate(labels), return_inverse=True)
    pixels = _Pixels(tuple(images))
    return Collection(
        layout="idx",
        root=root,
        names=names,
        read=pixels.raw,
        pixels=pixels,
        identity=identity.astype(np.int64),
        identity_names=tuple(str(label) for label in known.tolist()),
        partition=np.array(partition, np.int8),
    )


def write_idx_folder(collection: Collection, folder: Path) -> None:
    """Writes grey images of one size and their identities as labels; all but test images are for training.

    Raises:
        DataError: If images differ in size or have colours, or a label is none or above 255.
    """
    label, partition = numbers_of_people(collection), collection.partition
    test = np.zeros(len(label), np.bool_) if partition is None else partition == TEST
    if (label < 0).any() or (label > 255).any():
        raise DataError(f"{collection.root}: expected an identity from 0 to 255 of each image")
    for part, purpose in PARTS.items():
        rows = np.flatnonzero(test == (purpose == TEST)).tolist()
        if not rows:
            continue
        images = [collection.image(at) for at in rows]
        if len({image.shape for image in images}) > 1 or any((image != image[..., :1]).any() for image in images):
            raise DataError(f"{collection.root}: expected grey images of one size")
        grey = np.stack(images)[..., 0]
        for kind, values in (("images-idx3", grey), ("labels-idx1", label[rows].astype(np.uint8))):
            header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
            (folder / f"{part}-{kind}-ubyte").write_bytes(header + values.tobytes())


@dataclass(frozen=True, eq=False)
class _Pixels:
    """Image i of several arrays of (n, H, W) grey levels, one after the other."""

    parts: tuple[npt.NDArray[np.uint8], ...]

    def grey(self, at: int) -> npt.NDArray[np.uint8]:
        """(H, W) uint8."""
        for part in self.parts:
            if at < len(part):
                grey: npt.NDArray[np.uint8] = part[at]
                return grey
            at -= len(part)
        raise IndexError(at)

    def __call__(self, at: int) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8."""
        rgb: npt.NDArray[np.uint8] = np.repeat(self.grey(at)[..., None], 3, axis=2)
        return rgb

    def raw(self, at: int) -> bytes:
        """The grey levels."""
        return self.grey(at).tobytes()


def _find(root: Path, name: str) -> Path | None:
    paths = (root / folder / f"{name}{suffix}" for folder in _FOLDERS for suffix in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


LAYOUTS = (
    Layout(
        name="idx",
        shape="MNIST: train-images-idx3-ubyte and so on, plain or .gz",
        recognises=recognises,
        open=open_idx_folder,
        write=write_idx_folder,
        holds=("identity", "partition"),
        rank=70,
    ),
)
