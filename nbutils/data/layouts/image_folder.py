"""Image folder: one folder an identity, `<root>/<identity>/<image>`, and pairs in `pairs.csv` where it has some."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nbutils.data.collection import Collection
from nbutils.data.layouts.base import Layout
from nbutils.data.layouts.readers.image_files import (
    Confined,
    FileReader,
    has_people_folders,
    image_suffix,
    people_folders,
)
from nbutils.data.layouts.readers.pair_list import read_pair_list, write_pair_list
from nbutils.errors import DataError


def recognises(root: Path) -> bool:
    """Whether some folder in the root holds images."""
    return has_people_folders(root)


def open_image_folder(root: Path) -> Collection:
    """Opens one folder an identity; people and images are sorted by name.

    Raises:
        DataError: If there is no image, or a link leaves the root.
    """
    people = list(people_folders(root, root))
    names = tuple(f"{person}/{image}" for person, images in people for image in images)
    if not names:
        raise DataError(f"{root}: no images; expected one folder an identity with its images in it")
    return Collection(
        layout="image_folder",
        root=root,
        names=names,
        read=FileReader(root, names),
        identity=np.repeat(np.arange(len(people)), [len(images) for _, images in people]).astype(np.int64),
        identity_names=tuple(person for person, _ in people),
        pairs=read_pair_list(root / "pairs.csv", names),
    )


def write_image_folder(collection: Collection, folder: Path) -> None:
    """Writes one folder an identity, its images numbered from 1, and `pairs.csv` where there are pairs.

    Raises:
        DataError: If an image has no identity, or a person's name cannot be a folder's.
    """
    identity = collection.identity
    if identity is None or (identity < 0).any():
        raise DataError(f"{collection.root}: some images have no identity, which an image folder needs")
    names = [""] * len(collection)
    below = Confined(folder)
    for person, name in enumerate(collection.identity_names):
        if "/" in name or name.startswith("."):
            raise DataError(f"{collection.root}: person {name[:80]!r} cannot be the name of a folder")
        below(name, f"{collection.root}: a person's name").mkdir()
        for number, at in enumerate(np.flatnonzero(identity == person).tolist(), start=1):
            content = collection.read(at)
            names[at] = f"{name}/{number:06d}{image_suffix(content)}"
            (folder / names[at]).write_bytes(content)
    write_pair_list(folder / "pairs.csv", collection.pairs, names)


LAYOUTS = (
    Layout(
        name="image_folder",
        shape="one folder an identity, with its images",
        recognises=recognises,
        open=open_image_folder,
        write=write_image_folder,
        holds=("identity", "pairs"),
        rank=90,
    ),
)
