"""Image list: a CSV with one row an image, its path and its annotations."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.collection import ANNOTATIONS, BOX_COLUMNS, LANDMARK_COLUMNS, NOT_LISTED, Collection
from nbutils.data.layouts.base import Layout
from nbutils.data.layouts.readers.image_files import Confined, FileReader, image_suffix
from nbutils.data.layouts.readers.pair_list import read_pair_list, write_pair_list
from nbutils.data.layouts.readers.tables import (
    attribute_columns,
    attribute_remarks,
    attributes_of,
    decimal,
    numbers_of,
    read_csv,
    unique_names,
    whole_numbers_of,
)
from nbutils.errors import DataError

#: The list in a folder; a list of another name is given by its own path.
LIST_NAME = "images.csv"
_KNOWN = {"path", "identity", "partition", *ATTRIBUTES, *LANDMARK_COLUMNS, *BOX_COLUMNS}


def recognises(root: Path) -> bool:
    """Whether the path is a CSV file, or a folder with `LIST_NAME`."""
    return root.suffix == ".csv" if root.is_file() else (root / LIST_NAME).is_file()


def open_image_list(root: Path) -> Collection:
    """Opens a list of images, in the list's order.

    Columns: `path` (relative to the list), and as there are `identity` (a name), CelebA's 40 attributes (−1, 0, 1), its
    ten landmark columns, its four box columns, `partition` (0 train, 1 validation, 2 test). Pairs lie beside it in
    `pairs.csv`, by path.

    Raises:
        DataError: naming file and line, if the list is malformed or a path leaves its folder.
    """
    path = root if root.is_file() else root / LIST_NAME
    table = read_csv(path)
    if "path" not in table.columns or not table.rows:
        raise DataError(f"{path}:1: expected a column 'path' and at least one row below it")
    has_attributes = attribute_columns(table)
    unknown = [name for name in table.columns if name not in _KNOWN and name not in has_attributes.values()]
    if unknown:
        raise DataError(f"{path}:1: column {unknown[0][:40]!r} is unknown; known are path, identity, partition, "
                        f"CelebA's 40 attributes, {', '.join((*LANDMARK_COLUMNS, *BOX_COLUMNS))}")  # fmt: skip
    rows = unique_names(table, "path")
    names = tuple(rows)
    folder = path.parent
    missing = Confined(folder).missing(names, table.at)
    identity, people = None, tuple[str, ...]()
    if "identity" in table.columns:
        who = [cell for (cell,) in table.cells(["identity"])]
        unprintable = next((at for at, name in enumerate(who) if not name.isprintable()), None)
        if unprintable is not None:
            raise DataError(
                f"{table.at(unprintable)}: identity is {who[unprintable][:40]!r}, expected printable characters"
            )
        people = tuple(sorted(set(who) - {""}))
        number = {name: at for at, name in enumerate(people)}
        identity = np.array([number.get(name, -1) for name in who], np.int64)
    partition = None
    if "partition" in table.columns:
        partition = whole_numbers_of(table, "partition", most=2).astype(np.int8)
        partition[partition < 0] = NOT_LISTED
    attributes = attributes_of(table) if has_attributes else None
    landmarks = numbers_of(table, LANDMARK_COLUMNS).reshape(-1, 5, 2) if table.has(LANDMARK_COLUMNS) else None
    return Collection(
        layout="image_list",
        root=root,
        names=names,
        read=FileReader(folder, names, missing),
        identity=identity,
        identity_names=people,
        attributes=attributes,
        landmarks=landmarks,
        boxes=numbers_of(table, BOX_COLUMNS) if table.has(BOX_COLUMNS) else None,
        partition=partition,
        pairs=read_pair_list(folder / "pairs.csv", names),
        missing=missing,
        remarks=() if attributes is None else tuple(attribute_remarks(table, attributes)),
    )


def write_image_list(collection: Collection, folder: Path) -> None:
    """Writes the images under numbers, `images.csv` with all their annotations, and `pairs.csv`."""
    names = []
    (folder / "images").mkdir()
    for at in range(len(collection)):
        content = collection.read(at)
        names.append(f"images/{at:07d}{image_suffix(content)}")
        (folder / names[at]).write_bytes(content)
    columns: dict[str, Sequence[str]] = {"path": names}
    if collection.identity is not None:
        who = ("", *collection.identity_names)  # the first for −1
        columns["identity"] = [who[person + 1] for person in collection.identity.tolist()]
    blocks: tuple[tuple[Sequence[str], npt.NDArray[np.generic] | None], ...] = (
        (ATTRIBUTES, collection.attributes),
        (LANDMARK_COLUMNS, collection.landmarks),
        (BOX_COLUMNS, collection.boxes),
    )
    for titles, values in blocks:
        if values is not None:
            cells = values.reshape(len(names), -1).T
            columns |= {title: [decimal(v) for v in column] for title, column in zip(titles, cells, strict=True)}
    if collection.partition is not None:
        columns["partition"] = [str(part) if part != NOT_LISTED else "" for part in collection.partition.tolist()]
    with (folder / LIST_NAME).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))
    write_pair_list(folder / "pairs.csv", collection.pairs, names)


LAYOUTS = (
    Layout(
        name="image_list",
        shape="a CSV file (images.csv) with a row an image: path and annotations",
        recognises=recognises,
        open=open_image_list,
        write=write_image_list,
        holds=ANNOTATIONS,
        rank=80,
    ),
)
