"""CelebA, aligned or in the wild: one folder of images, and lists as its makers' text files or as CSV.

Liu et al. 2015. The lists are searched for in the root, `Anno/` and `Eval/`; the images where the makers' archives,
torchvision and the circulating copies put them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.collection import BOX_COLUMNS, LANDMARK_COLUMNS, NOT_LISTED, Annotation, Collection, numbers_of_people
from nbutils.data.layouts.base import Layout
from nbutils.data.layouts.readers.image_files import Confined, FileReader
from nbutils.data.layouts.readers.pair_list import read_pair_list, write_pair_list
from nbutils.data.layouts.readers.tables import (
    Table,
    attribute_columns,
    attribute_remarks,
    attributes_of,
    decimal,
    numbers_of,
    read_csv,
    read_spaced,
    unique_names,
    whole_numbers_of,
)
from nbutils.errors import DataError

#: Where the images lie, by form.
IMAGE_FOLDERS = {
    "celeba": (
        "img_align_celeba/img_align_celeba", "Img/img_align_celeba/img_align_celeba", "img_align_celeba",
        "Img/img_align_celeba", "Img/img_align_celeba_png", "img_align_celeba_png",
    ),
    "celeba_in_the_wild": ("img_celeba", "Img/img_celeba", "Img/img_celeba.7z/img_celeba"),
}  # fmt: skip
#: The list of each annotation, by form, without its suffix.
_LISTS: dict[str, dict[Annotation, str]] = {
    "celeba": {
        "attributes": "list_attr_celeba",
        "identity": "identity_CelebA",
        "landmarks": "list_landmarks_align_celeba",
        "partition": "list_eval_partition",
    },
    "celeba_in_the_wild": {
        "attributes": "list_attr_celeba",
        "identity": "identity_CelebA",
        "landmarks": "list_landmarks_celeba",
        "boxes": "list_bbox_celeba",
        "partition": "list_eval_partition",
    },
}
_COLUMNS: dict[Annotation, tuple[str, ...]] = {
    "attributes": ATTRIBUTES,
    "identity": ("identity",),
    "landmarks": LANDMARK_COLUMNS,
    "boxes": BOX_COLUMNS,
    "partition": ("partition",),
}
#: Lists without a header in the text form.
_BARE: tuple[Annotation, ...] = ("identity", "partition")
_FOLDERS = ("", "Anno", "Eval")
_NO_ROW = {"attributes": 0, "identity": -1, "landmarks": np.nan, "boxes": np.nan, "partition": NOT_LISTED}


def recognises_aligned(root: Path) -> bool:
    """Whether the folder holds CelebA's aligned images and one of its lists."""
    return _recognises(root, "celeba")


def recognises_in_the_wild(root: Path) -> bool:
    """Whether the folder holds CelebA's images in the wild and one of its lists."""
    return _recognises(root, "celeba_in_the_wild")


def open_aligned(root: Path) -> Collection:
    """Opens the aligned and cropped images; see `open_celeba`."""
    return open_celeba(root, "celeba")


def open_in_the_wild(root: Path) -> Collection:
    """Opens the images as found on the web; see `open_celeba`."""
    return open_celeba(root, "celeba_in_the_wild")


def open_celeba(root: Path, form: str) -> Collection:
    """Opens every image that one of the lists names, in the first list's order.

    What a list does not say of an image that another names is unknown, and remarked.

    Args:
        root: The folder.
        form: "celeba" or "celeba_in_the_wild".

    Raises:
        DataError: naming file and line, if a list is malformed or its promised number of rows is not there; or if
            there are no images or no lists.
    """
    folder = next((name for name in IMAGE_FOLDERS[form] if (root / name).is_dir()), None)
    lists = {what: path for what, name in _LISTS[form].items() if (path := _find(root, name))}
    if folder is None or not lists:
        looked = " or ".join(IMAGE_FOLDERS[form]), ", ".join(_LISTS[form].values())
        raise DataError(f"{root}: expected images in {looked[0]}, and some of {looked[1]} (.txt or .csv)")
    tables = {what: _read(path, what) for what, path in lists.items()}
    rows = {what: unique_names(table, table.columns[0]) for what, table in tables.items()}
    where: dict[str, str] = {}
    for what, table in tables.items():
        for name, row in rows[what].items():
            where.setdefault(name, table.at(row))
    files = list(where)
    found: dict[Annotation, npt.NDArray[np.generic]] = {}
    remarks = list[str]()
    for what, table in tables.items():
        place = np.array([rows[what].get(name, -1) for name in files], np.int64)
        values = _values(table, what)
        if what == "attributes":
            remarks += attribute_remarks(table, values.astype(np.int8))
        found[what] = np.where((place < 0).reshape(-1, *[1] * (values.ndim - 1)), _NO_ROW[what], values[place]).astype(
            values.dtype
        )
        if unknown := int((place < 0).sum()):
            remarks.append(f"{table.path}: does not name {unknown} images that the other lists do")
    people = None
    if "identity" in found:
        people, found["identity"] = _numbered(found["identity"].astype(np.int64))
    base = root / folder
    names, unlisted = _as_stored(base, files)
    if unlisted:
        remarks.append(f"{base}: {unlisted} files that no list names, left out")
    missing = Confined(base).missing(names, lambda at: where[files[at]])
    return Collection(
        layout=form,
        root=root,
        names=files,
        read=FileReader(base, names, missing),
        identity_names=people or (),
        pairs=read_pair_list(root / "pairs.csv", files),
        missing=missing,
        remarks=tuple(remarks),
        **found,  # type: ignore[arg-type]
    )


def write_aligned(collection: Collection, folder: Path) -> None:
    """Writes the form that torchvision reads, one folder of images and the makers' text lists."""
    _write(collection, folder, "celeba")


def write_in_the_wild(collection: Collection, folder: Path) -> None:
    """The same with the lists that belong to images in the wild, boxes included."""
    _write(collection, folder, "celeba_in_the_wild")


def _recognises(root: Path, form: str) -> bool:
    images = any((root / name).is_dir() for name in IMAGE_FOLDERS[form])
    return images and any(_find(root, name) for name in _LISTS[form].values())


def _find(root: Path, name: str) -> Path | None:
    places = (root / folder / f"{name}{suffix}" for folder in _FOLDERS for suffix in (".txt", ".csv"))
    return next((path for path in places if path.is_file()), None)


def _read(path: Path, what: Annotation) -> Table:
    if path.suffix == ".txt":
        table = read_spaced(path, _COLUMNS[what], has_header=what not in _BARE)
    else:
        table = read_csv(path)
        if what in _BARE and len(table.columns) == 2:  # the name of the one column differs between copies
            table = Table(path, (table.columns[0], *_COLUMNS[what]), table.rows, table.lines)
    absent = [name for name in _COLUMNS[what] if name not in table.columns]
    if what == "attributes" and attribute_columns(table):
        absent = []  # the others are unknown
    if absent or not table.rows:
        raise DataError(f"{path}:1: expected a column {(absent or _COLUMNS[what])[0]!r} and at least one row below it")
    return table


def _values(table: Table, what: Annotation) -> npt.NDArray[np.generic]:
    if what == "attributes":
        return attributes_of(table)
    if what == "landmarks":
        return numbers_of(table, LANDMARK_COLUMNS).reshape(-1, 5, 2)
    if what == "boxes":
        return numbers_of(table, BOX_COLUMNS)
    if what == "partition":
        return whole_numbers_of(table, "partition", most=2).astype(np.int8)
    return whole_numbers_of(table, "identity")


def _numbered(identity: npt.NDArray[np.int64]) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Names of the people, and each image's row of them."""
    people = np.unique(identity[identity >= 0])
    return tuple(str(p) for p in people.tolist()), np.where(identity < 0, -1, np.searchsorted(people, identity))


def _as_stored(folder: Path, files: list[str]) -> tuple[list[str], int]:
    """The files of the images, which in one of CelebA's archives are PNG under lists that say JPEG; others' number."""
    try:
        there = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror or error}") from error
    names = []
    for name in files:
        stored = name if name in there else f"{name.rpartition('.')[0]}.png"
        names.append(stored if stored in there else name)
    return names, len(there - set(names))


def _write(collection: Collection, folder: Path, form: str) -> None:
    images = folder / ("img_align_celeba" if form == "celeba" else "img_celeba")
    images.mkdir()
    names = [f"{at + 1:06d}.jpg" for at in range(len(collection))]
    for at, name in enumerate(names):
        (images / name).write_bytes(collection.read(at))
    for what, listing in _LISTS[form].items():
        values = getattr(collection, what)
        if values is None:
            continue
        if what == "identity":
            values = numbers_of_people(collection)
        cells = np.asarray(values).reshape(len(names), -1)
        unknown = (cells == -1 if what in _BARE else np.isnan(cells.astype(np.float64))).any(axis=1)
        rows = [f"{names[at]} {' '.join(map(decimal, cells[at]))}" for at in np.flatnonzero(~unknown)]
        above = [] if what in _BARE else [str(len(rows)), " ".join(_COLUMNS[what])]
        (folder / f"{listing}.txt").write_text("\n".join([*above, *rows, ""]), encoding="utf-8")
    write_pair_list(folder / "pairs.csv", collection.pairs, names)


LAYOUTS = (
    Layout(
        name="celeba",
        shape="CelebA, aligned: img_align_celeba/ and list_attr_celeba, identity_CelebA, … (.txt or .csv)",
        recognises=recognises_aligned,
        open=open_aligned,
        write=write_aligned,
        holds=("identity", "attributes", "landmarks", "partition", "pairs"),
        rank=20,
    ),
    Layout(
        name="celeba_in_the_wild",
        shape="CelebA in the wild: img_celeba/ and the same lists",
        recognises=recognises_in_the_wild,
        open=open_in_the_wild,
        write=write_in_the_wild,
        holds=("identity", "attributes", "landmarks", "boxes", "partition", "pairs"),
        rank=30,
    ),
)
