"""Handwritten digits as a data set: scikit-learn's small ones, or MNIST from its own files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, PositiveInt

from nbutils.data.bucket_copy import Root, local_root
from nbutils.data.faces import FaceData, Faces, Pairs
from nbutils.data.layouts.readers.idx_files import read_idx
from nbutils.data.spec import DataSpec
from nbutils.errors import DataError, ParameterError

Arrays = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]

_NAMES = tuple(str(digit) for digit in range(10))
#: Every third of scikit-learn's digits is for the test: they come writer by writer, so that all writers are in both.
_EVERY = 3


class DigitsData(DataSpec):
    """Digits instead of faces: those of scikit-learn, or MNIST's; see `load_digits`.

    Attributes:
        root: Folder in torchvision's layout of MNIST, by path or URL; None: scikit-learn's 8×8 digits.
        validation: Images at the end of the training set to tune on instead of training on them.

    Example:
        >>> from nbutils.data import DigitsData
        >>> DigitsData(height=10, width=10).load().train.images.shape
        (1198, 10, 10, 1)
    """

    kind: Literal["digits"] = "digits"
    height: PositiveInt = Field(8, description="digits are padded to it; the excess over the input is for random crops")
    width: PositiveInt = 8
    root: Root | None = None
    validation: int = Field(0, ge=0)

    def read(self) -> FaceData:
        """Reads and pads the digits; see `load_digits`."""
        root = None if self.root is None else local_root(self.root)
        return load_digits(root, height=self.height, width=self.width, validation=self.validation)


def load_digits(root: Path | None, *, height: int, width: int, validation: int = 0) -> FaceData:
    """Digits with their classes as "identities", the same in training and test; there are no pairs.

    Args:
        root: Folder with `MNIST/raw/` or the idx files themselves; None: scikit-learn's digits of 8×8 pixels.
        height: Rows of the images, which are padded evenly with background.
        width: Their columns.
        validation: Images at the end of the training set to keep for tuning.

    Raises:
        DataError: A file is missing or damaged, or images and labels disagree.
        ParameterError: The wanted size is below the digits', or too few images would be left to train on.
    """
    if root is None:
        name, title = "digits", "scikit-learn's digits (8×8)"
        train, test = _sklearn_digits()
    else:
        name, title = "mnist", "MNIST"
        train, test = (_mnist(root, part) for part in ("train", "t10k"))
    if not validation < len(train[0]):
        raise ParameterError(f"validation is {validation}: expected fewer than the {len(train[0])} training images")
    split = len(train[0]) - validation
    kept, held_out = ((train[0][part], train[1][part]) for part in (slice(split), slice(split, None)))
    none = np.empty(0, np.int64)
    return FaceData(
        name,
        title,
        train=_as_faces(*kept, height, width),
        test=_as_faces(*test, height, width),
        pairs=Pairs(none, none, none.astype(bool), none),
        validation=_as_faces(*held_out, height, width) if validation else None,
    )


def _sklearn_digits() -> tuple[Arrays, Arrays]:
    from sklearn.datasets import load_digits as sklearn_digits

    images, labels = sklearn_digits(return_X_y=True)
    grey = np.round(images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    test = np.arange(len(labels)) % _EVERY == 0
    return (grey[~test], labels[~test].astype(np.int64)), (grey[test], labels[test].astype(np.int64))


def _mnist(root: Path, part: str) -> Arrays:
    images = read_idx(_find(root, f"{part}-images-idx3-ubyte"), 3)
    labels = read_idx(_find(root, f"{part}-labels-idx1-ubyte"), 1)
    if len(images) != len(labels):
        raise DataError(
            f"{root}: {len(images)} images and {len(labels)} labels of '{part}', expected one label an image"
        )
    if labels.max(initial=0) > 9:
        raise DataError(f"{root}: a label of '{part}' is {labels.max()}, expected digits from 0 to 9")
    return images, labels.astype(np.int64)


def _find(root: Path, name: str) -> Path:
    for folder in (root / "MNIST" / "raw", root):
        for suffix in ("", ".gz"):
            if (file := folder / f"{name}{suffix}").is_file():
                return file
    raise DataError(
        f"{root}: no {name} or {name}.gz there or in MNIST/raw below it; "
        "torchvision.datasets.MNIST(root, download=True) makes that layout"
    )


def _as_faces(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], height: int, width: int) -> Faces:
    rows, columns = images.shape[1:]
    if height < rows or width < columns:
        raise ParameterError(f"height × width is {height}×{width}: expected at least the digits' {rows}×{columns}")
    top, left = (height - rows) // 2, (width - columns) // 2
    padding = ((0, 0), (top, height - rows - top), (left, width - columns - left))
    padded = np.pad(images, padding)[..., None]
    return Faces(np.ascontiguousarray(padded), labels, _NAMES)
