"""Pairs of faces as the recognition benchmarks pass them around: `lfw.bin`, `cfp_fp.bin`, `agedb_30.bin`.

Such a file is a pickle of `(images, same)`: 2 P encoded images, then P booleans. It is read without pickle's own
machine, by `nbutils.data.layouts.readers.plain_pickle`.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from nbutils.data.collection import Collection
from nbutils.data.faces import Pairs
from nbutils.data.layouts.base import Layout
from nbutils.data.layouts.readers.image_files import MAX_IMAGE_BYTES, only_file
from nbutils.data.layouts.readers.pair_list import folds_of
from nbutils.data.layouts.readers.plain_pickle import load_plain
from nbutils.errors import DataError


def recognises(root: Path) -> bool:
    """Whether the path is such a file, or a folder with exactly one."""
    return only_file(root, ".bin") is not None


def open_pair_bin(root: Path) -> Collection:
    """Opens one file of pairs. Images that occur several times are one image, in the order of their first use.

    Raises:
        DataError: If the file holds anything but images and booleans, or not two images a boolean.
    """
    path = only_file(root, ".bin")
    if path is None:
        raise DataError(f"{root}: expected a .bin file of pairs, or a folder with exactly one")
    content = load_plain(path)
    if not isinstance(content, list) or [type(part) for part in content] != [list, list]:
        raise DataError(f"{path}: expected a list of images and one of booleans")
    images, answers = content
    if not answers or len(images) != 2 * len(answers):
        raise DataError(f"{path}: {len(images)} images and {len(answers)} booleans, expected two images each")
    rows: dict[bytes, int] = {}
    index = np.empty(len(images), np.int64)
    for at, image in enumerate(images):
        if not isinstance(image, bytes) or len(image) > MAX_IMAGE_BYTES:
            raise DataError(f"{path}: image {at} is {type(image).__name__}, expected the bytes of an encoded image")
        index[at] = rows.setdefault(image, len(rows))
    wrong = next((at for at, answer in enumerate(answers) if answer not in (0, 1)), None)
    if wrong is not None:
        raise DataError(f"{path}: answer {wrong} is {type(answers[wrong]).__name__}, expected a boolean")
    same = np.array(answers, np.int64) == 1
    encoded = list(rows)
    return Collection(
        layout="pair_bin",
        root=root,
        names=[str(at) for at in range(len(encoded))],
        read=encoded.__getitem__,
        pairs=Pairs(index[0::2].copy(), index[1::2].copy(), same, folds_of(same)),
    )


def write_pair_bin(collection: Collection, folder: Path) -> None:
    """Writes `pairs.bin`; images that are in no pair are left out, and the folds are not kept.

    Raises:
        DataError: If there are no pairs.
    """
    pairs = collection.pairs
    if pairs is None:
        raise DataError(f"{collection.root}: has no pairs, which are all that a .bin file holds")
    ends = np.stack([pairs.first, pairs.second], axis=1).ravel().tolist()
    encoded = {at: collection.read(at) for at in sorted(set(ends))}
    with (folder / "pairs.bin").open("wb") as file:
        pickle.dump(([encoded[at] for at in ends], pairs.same.tolist()), file, protocol=4)


LAYOUTS = (
    Layout(
        name="pair_bin",
        shape="a .bin file of pairs, as the face benchmarks have them",
        recognises=recognises,
        open=open_pair_bin,
        write=write_pair_bin,
        holds=("pairs",),
        rank=50,
    ),
)
