"""Image folder: one folder an identity, `<root>/<identity>/<image>`, and pairs in `pairs.csv` where it has some."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nbutils.data.collection import Collection
from nbutils.data.layouts.files import FileReader, has_people_folders, people_folders
from nbutils.data.layouts.pair_list import read_pair_list
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
