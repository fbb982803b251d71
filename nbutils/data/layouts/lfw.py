"""Labeled Faces in the Wild in its own form: `<root>/lfw-deepfunneled/<Name>/<Name>_0001.jpg`, and lists beside it.

Huang et al. 2007 (the data set, its lists and protocols), Huang et al. 2012 (deep funnelling).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from nbutils.data.collection import NOT_LISTED, TEST, TRAIN, Collection
from nbutils.data.faces import Pairs
from nbutils.data.layouts.base import Layout
from nbutils.data.layouts.readers.image_files import FileReader, people_folders
from nbutils.data.layouts.readers.lfw_lists import ImageName, NamedPair, read_pairs, read_people
from nbutils.data.pairs import DEVELOPMENT_FOLDS
from nbutils.errors import DataError

#: Where LFW's archives unpack to, best aligned first: deep-funnelled, funnelled, as found.
IMAGE_FOLDERS = ("lfw-deepfunneled", "lfw_funneled", "lfw")
#: Lists of people, and what their people are for; View 2's people are in no partition.
PEOPLE_LISTS = {"peopleDevTrain.txt": TRAIN, "peopleDevTest.txt": TEST, "people.txt": NOT_LISTED}
#: Lists of pairs: the first that is there is the collection's.
PAIR_LISTS = ("pairsDevTest.txt", "pairs.txt", "pairsDevTrain.txt")

#: Lists that promise more are not LFW's.
MOST_IMAGES = 100_000

_HOW_TO_GET = (
    "To get LFW: unpack lfw-deepfunneled.tgz from http://vis-www.cs.umass.edu/lfw/ in the data root and put "
    "the lists beside it (peopleDevTrain.txt and pairsDevTest.txt, for ten folds pairs.txt). Where that "
    "homepage does not answer: torchvision's documentation names a mirror of the images, the Kaggle data set "
    "jessicali9530/lfw-dataset. All of LFW is 13,233 images of 5,749 people."
)
_FILE = re.compile(r"(.+)_([0-9]{4,9})\.jpg", re.ASCII)


def recognises(root: Path) -> bool:
    """Whether the path is a folder with LFW's images, or a list of pairs beside them."""
    if root.is_file():
        return root.suffix == ".txt" and root.name.startswith("pairs") and _image_folder(root.parent) is not None
    folder = _image_folder(root)
    # The last name is a common one: then one of LFW's lists must be there too.
    return folder is not None and (folder.name != IMAGE_FOLDERS[-1] or bool(_lists(root)))


def open_lfw(root: Path) -> Collection:
    """Opens LFW, sorted by person and number: every image that is there, and every one that a list promises.

    Args:
        root: The folder with one of `IMAGE_FOLDERS`; or a list of pairs in it, which then is the collection's.

    Raises:
        DataError: If there are no images (with how to get them), or a list is malformed, naming file and line.
    """
    base = root.parent if root.is_file() else root
    folder = _image_folder(base)
    if folder is None or not (root.is_file() or _lists(base)):
        folders = " or ".join(f"{base / name}{os.sep}" for name in IMAGE_FOLDERS)
        looked = folders if folder is None else "lists beside the images"
        raise DataError(f"data root {base} is no complete LFW; looked for: {looked}. {_HOW_TO_GET}")
    promised: dict[ImageName, str] = {}
    purpose: dict[str, int] = {}
    counted: dict[str, int] = {}
    total = 0
    for name, part in PEOPLE_LISTS.items():
        for person in read_people(base / name) if (base / name).is_file() else ():
            counted[person.name] = person.images
            total += person.images
            if total > MOST_IMAGES:
                raise DataError(
                    f"{base / name}:{person.line}: promises more than {MOST_IMAGES:,} images, LFW has 13,233"
                )
            purpose.setdefault(person.name, part)
            for number in range(1, person.images + 1):
                promised.setdefault(ImageName(person.name, number), f"{base / name}:{person.line}")
    lists = [base / name for name in PAIR_LISTS if (base / name).is_file()]
    rows: list[NamedPair] = []
    for listing in dict.fromkeys([root, *lists] if root.is_file() else lists):
        pairs = read_pairs(listing)
        rows = rows or pairs
        for pair in pairs:
            promised.setdefault(pair.first, f"{listing}:{pair.line}")
            promised.setdefault(pair.second, f"{listing}:{pair.line}")
    found, remarks = _images(folder, base, counted)
    images = sorted({*found, *promised}, key=lambda image: (image.name, image.number))
    if not images:
        raise DataError(f"{folder}: no images; expected <Name>/<Name>_0001.jpg. {_HOW_TO_GET}")
    names = [f"{folder.name}/{image.relative_path}" for image in images]
    missing = {
        at: f"{promised[image]}: image {base / name} does not exist"
        for at, (image, name) in enumerate(zip(images, names, strict=True))
        if image not in found
    }
    people, identity = np.unique([image.name for image in images], return_inverse=True)
    partition = [purpose.get(image.name, NOT_LISTED) for image in images]
    return Collection(
        layout="lfw",
        root=root,
        names=names,
        read=FileReader(base, names, missing),
        identity=identity.astype(np.int64),
        identity_names=tuple(str(name) for name in people),
        partition=np.array(partition, np.int8) if any(part != NOT_LISTED for part in partition) else None,
        pairs=_indexed(rows, images) if rows else None,
        missing=missing,
        remarks=remarks,
    )


def write_lfw(collection: Collection, folder: Path) -> None:
    """Writes images, the lists of training and test people, and `pairsDevTest.txt`.

    Raises:
        DataError: If images have no identity or are no JPEG, a partition splits one person's images, or the pairs are
            not as LFW's development lists have them.
    """
    identity, order = collection.identity, np.arange(len(collection))
    if identity is None or (identity < 0).any():
        raise DataError(f"{collection.root}: some images have no identity, which LFW's form needs")
    named: dict[int, ImageName] = {}
    for person in np.unique(identity):
        name = collection.identity_names[person]
        for number, image in enumerate(order[identity == person], start=1):
            named[int(image)] = ImageName(name, number)
            path = folder / IMAGE_FOLDERS[0] / named[int(image)].relative_path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(collection.read(int(image)))
    for listing, part in PEOPLE_LISTS.items():
        if collection.partition is None or part == NOT_LISTED:
            continue
        here = [int(p) for p in np.unique(identity[collection.partition == part])]
        if (collection.partition[np.isin(identity, here)] != part).any():
            raise DataError(f"{collection.root}: the partition splits the images of a person, unlike LFW's lists")
        counts = [f"{collection.identity_names[p]}\t{(identity == p).sum()}\n" for p in here]
        if counts:
            (folder / listing).write_text(f"{len(counts)}\n{''.join(counts)}", encoding="utf-8")
    if collection.pairs is not None:
        (folder / PAIR_LISTS[0]).write_text(_pair_list(collection.pairs, named, collection.root), encoding="utf-8")


def _pair_list(pairs: Pairs, named: dict[int, ImageName], root: Path) -> str:
    half = len(pairs) // 2
    matched = np.arange(len(pairs)) < half
    fold = np.tile(np.arange(half) % DEVELOPMENT_FOLDS, 2)
    if len(pairs) % 2 or (pairs.same != matched).any() or (pairs.fold != fold).any():
        raise DataError(f"{root}: expected as many mismatched pairs after the matched ones, dealt into ten folds")
    rows = [str(half)]
    for first, second, same in zip(pairs.first.tolist(), pairs.second.tolist(), pairs.same, strict=True):
        a, b = named[first], named[second]
        rows.append(f"{a.name}\t{a.number}\t{b.number}" if same else f"{a.name}\t{a.number}\t{b.name}\t{b.number}")
    return "\n".join([*rows, ""])


def _image_folder(base: Path) -> Path | None:
    return next((base / name for name in IMAGE_FOLDERS if (base / name).is_dir()), None)


def _lists(base: Path) -> list[Path]:
    return [base / name for name in (*PEOPLE_LISTS, *PAIR_LISTS) if (base / name).is_file()]


def _images(folder: Path, base: Path, counted: dict[str, int]) -> tuple[set[ImageName], tuple[str, ...]]:
    """The images in the folder that are named as LFW's are; remarks on the others."""
    found, remarks = set(), []
    for person, files in people_folders(folder, base):
        for file in files:
            match = _FILE.fullmatch(file)
            image = ImageName(person, int(match[2])) if match and match[1] == person else None
            if image is None or image.relative_path != f"{person}/{file}" or image.number < 1:
                remarks.append(f"{folder / person / file}: not named as LFW's images, left out")
            elif image.number > counted.get(person, image.number):
                remarks.append(f"{folder / person / file}: the lists know {counted[person]} images, left out")
            else:
                found.add(image)
    return found, tuple(remarks)


def _indexed(rows: list[NamedPair], images: list[ImageName]) -> Pairs:
    index = {image: at for at, image in enumerate(images)}
    return Pairs(
        first=np.array([index[pair.first] for pair in rows], np.int64),
        second=np.array([index[pair.second] for pair in rows], np.int64),
        same=np.array([pair.same for pair in rows], np.bool_),
        fold=np.array([pair.fold for pair in rows], np.int64),
    )


LAYOUTS = (
    Layout(
        name="lfw",
        shape="LFW: lfw-deepfunneled/<Name>/<Name>_0001.jpg, with people*.txt and pairs*.txt beside it",
        recognises=recognises,
        open=open_lfw,
        write=write_lfw,
        holds=("identity", "partition", "pairs"),
        rank=10,
    ),
)
