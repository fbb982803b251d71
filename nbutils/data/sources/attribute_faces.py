"""Faces of a data set on disk whose attributes are known, whoever they show: neurons are chosen by them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import PositiveInt

from nbutils.data.bucket_copy import Root
from nbutils.data.collection import VALIDATION, Collection
from nbutils.data.faces import FaceData, Faces, Pairs
from nbutils.data.layouts.base import layout_module, open_collection
from nbutils.data.manifest import load_manifest
from nbutils.data.sources.on_disk import CroppedData, unlabelled_faces
from nbutils.data.spec import DataSize
from nbutils.errors import DataError

Rows = npt.NDArray[np.int64]


class AttributeFaces(CroppedData):
    """Faces with attributes, as validation faces of a data set that has no others; people and pairs are not needed.

    Where its makers' partition has validation images, these are taken (CelebA's: the paper's 20,000), else all.

    Attributes:
        most: Of more images than that, so many are taken, evenly over the list.

    Example:
        >>> from nbutils.data import AttributeFaces
        >>> AttributeFaces(dataset="celeba", root="faces/celeba").most
        20000
    """

    kind: Literal["attributes"] = "attributes"
    most: PositiveInt = 20_000

    def size(self) -> DataSize:
        """Returns how much there is, from the lists alone."""
        return DataSize(0, 0, len(_rows(self)[1]), 0, self.height, self.width)

    def code(self) -> tuple[str, ...]:
        """This module, and that of the layout."""
        return (__name__, layout_module(_layout(self.root, self.layout)))

    def read(self) -> FaceData:
        """Loads and crops the faces; nothing to train on, nothing to verify.

        Raises:
            DataError: The data set has no attributes, an image is missing or damaged, or a list is malformed.
        """
        of, rows = _rows(self)
        faces = _with_people(of, rows, unlabelled_faces(of, rows, self, progress=True))
        none = Faces(faces.images[:0], np.empty(0, np.int64), ())
        nowhere = np.empty(0, np.int64)
        pairs = Pairs(nowhere, nowhere, nowhere.astype(np.bool_), nowhere)
        title = load_manifest(self.dataset).title
        return FaceData(Path(self.dataset).stem, title, train=none, test=none, pairs=pairs, validation=faces)


@lru_cache(maxsize=64)
def _layout(root: Root, layout: str | None) -> str:
    """Name of the layout, which is opened once a process for it."""
    return open_collection(root, layout).layout


def _rows(spec: AttributeFaces) -> tuple[Collection, Rows]:
    """The collection, and its images to look at."""
    of = open_collection(spec.root, spec.layout)
    rows = np.empty(0, np.int64) if of.attributes is None else np.flatnonzero(of.attributes.any(axis=1))
    if not len(rows):
        has = ", ".join(name for name in of.offers() if name != "attributes") or "nothing but images"
        raise DataError(f"{spec.root} ({of.layout}) has no attributes, by which neurons are chosen; it has {has}")
    if of.partition is not None and (of.partition[rows] == VALIDATION).any():
        rows = rows[of.partition[rows] == VALIDATION]
    if len(rows) > spec.most:
        rows = rows[np.arange(spec.most) * len(rows) // spec.most]
    return of, rows


def _with_people(of: Collection, rows: Rows, faces: Faces) -> Faces:
    """With whom they show, as far as that is known."""
    if of.identity is None:
        return faces
    known = of.identity[rows] >= 0
    people, number = np.unique(of.identity[rows][known], return_inverse=True)
    identity = np.full(len(rows), -1, np.int64)
    identity[known] = number
    names = tuple(of.identity_names[person] for person in people)
    return Faces(faces.images, identity, names, faces.attributes, faces.landmarks, faces.partial_attributes)
