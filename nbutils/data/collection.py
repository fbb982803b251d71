"""One interface to a data set on disk, whatever its layout: encoded images and their annotations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Literal, TypeVar, get_args

import numpy as np
import numpy.typing as npt

from nbutils.data.decode import Decoded, Shrink, decode_image, decode_reduced
from nbutils.data.faces import Pairs
from nbutils.errors import DataError

#: Annotations that a data set may have besides its images.
Annotation = Literal["identity", "attributes", "landmarks", "boxes", "partition", "pairs"]
ANNOTATIONS: tuple[Annotation, ...] = get_args(Annotation)

#: CelebA's own names for the columns of `Collection.landmarks` and `Collection.boxes`.
LANDMARK_COLUMNS = tuple(f"{p}_{a}" for p in ("lefteye", "righteye", "nose", "leftmouth", "rightmouth") for a in "xy")
BOX_COLUMNS = ("x_1", "y_1", "width", "height")

#: Values of `Collection.partition`.
TRAIN, VALIDATION, TEST, NOT_LISTED = 0, 1, 2, -1

#: Farthest from an image's corner that a key point or a side of a box may be said to lie, in pixels: three times the
#: longest side that is decoded (`nbutils.data.decode.MAX_SIDE`).
MAX_PLACE = 90_000

_Kind = TypeVar("_Kind", bound=np.generic)
_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class Collection:
    """N images of a data set, not decoded yet, with the annotations in its files; None where the files have none.

    Attributes:
        layout: name of the layout; see `nbutils.data.layouts.base.known_layouts`.
        root: the folder or file it was opened from.
        names: one stable, unique name an image: its path below the root in POSIX form, or the key of its record.
            Of large collections it is computed as asked for.
        read: encoded bytes of image i, as the data set holds them; a DataError names the file where they cannot be had.
        identity: (N,) int64, a row of `identity_names`, or −1 for an unlabelled image.
        identity_names: one name an identity, of printable characters; each once.
        attributes: (N, 40) int8 in the order of `nbutils.data.attributes.ATTRIBUTES`: 1 has it, −1 has not, 0 unknown.
        landmarks: (N, 5, 2) float32, (x, y) in pixels of the decoded image: left eye, right eye, nose tip, left and
            right mouth corner, as seen by the viewer; NaN where unknown, else at most `MAX_PLACE` from the corner.
        boxes: (N, 4) float32, the face's x, y, width, height in pixels of the decoded image; likewise.
        partition: (N,) int8, its makers' `TRAIN`, `VALIDATION`, `TEST` or `NOT_LISTED`.
        pairs: pairs of indices into the images, to verify.
        pixels: image i as (H, W, 3) uint8, for layouts that keep pixels; None: decode what `read` gives.
        crops: (N, height, width, 3) uint8, memory-mapped, where the images are crops made by this project, to be used
            as they are; None: whole images, to be cropped.
        check_crops: refuses, by a DataError, those of the given images whose crops are not as they were written; None
            where nothing is known of that.
        missing: images that a list promises and the folder lacks: index → the error that `read` raises, which names
            list and line. A training that needs one of them is refused.
        remarks: one line for each thing else that the lists and the folder do not agree on and that does no harm,
            such as images that no list names; those are left out.
    """

    layout: str
    root: Path
    names: Sequence[str]
    read: Callable[[int], bytes]
    identity: npt.NDArray[np.int64] | None = None
    identity_names: Sequence[str] = ()
    attributes: npt.NDArray[np.int8] | None = None
    landmarks: npt.NDArray[np.float32] | None = None
    boxes: npt.NDArray[np.float32] | None = None
    partition: npt.NDArray[np.int8] | None = None
    pairs: Pairs | None = None
    pixels: Callable[[int], npt.NDArray[np.uint8]] | None = None
    crops: npt.NDArray[np.uint8] | None = None
    check_crops: Callable[[Sequence[int]], None] | None = None
    missing: Mapping[int, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("identity", "attributes", "landmarks", "boxes", "partition", "crops"):
            value = getattr(self, name)
            if value is not None and len(value) != len(self.names):
                raise DataError(
                    f"{self.root}: {name} has {len(value)} rows, expected one for each of {len(self.names)} images"
                )
        for name in ("landmarks", "boxes"):
            _check_places(getattr(self, name), f"{self.root}: {name}")
        wrong = next((name for name in self.identity_names if not name or not name.isprintable()), None)
        if wrong is not None:
            raise DataError(f"{self.root}: person {wrong[:80]!r}: expected a name of printable characters")
        if len(set(self.identity_names)) != len(self.identity_names):
            raise DataError(f"{self.root}: two people have one name, expected a name each")

    def __len__(self) -> int:
        return len(self.names)

    def describe(self, index: int) -> str:
        """What an error calls image `index`: the root and the image's name."""
        return f"{self.root}: {self.names[index]}"

    def image(self, index: int) -> npt.NDArray[np.uint8]:
        """Image `index`, decoded by `nbutils.data.decode.decode_image`: (H, W, 3) uint8, RGB.

        Raises:
            DataError: naming the image, if it cannot be read or decoded.
        """
        if self.crops is not None:
            return np.array(self.crops[index])
        if self.pixels is not None:
            return self.pixels(index)
        return decode_image(self.read(index), self.describe(index))

    def reduced(self, index: int, shrink: Shrink) -> Decoded:
        """Image `index` at the smallest scale that is large enough; see `nbutils.data.decode.decode_reduced`."""
        if self.crops is None and self.pixels is None:
            return decode_reduced(self.read(index), self.describe(index), shrink)
        pixels = self.image(index)
        shrink(*pixels.shape[:2])
        return Decoded(pixels, 1, *pixels.shape[:2])

    def take(self, rows: Sequence[int]) -> Collection:
        """Some of the images, in the given order, with the names of all people, and without pairs.

        Raises:
            DataError: If crops are not as they were written.
        """
        chosen = [int(row) for row in rows]
        if self.check_crops is not None:
            self.check_crops(chosen)

        def of(values: npt.NDArray[_Kind] | None) -> npt.NDArray[_Kind] | None:
            return None if values is None else values[chosen]

        return replace(
            self,
            names=[self.names[row] for row in chosen],
            read=_Taken(self.read, chosen),
            identity=of(self.identity),
            attributes=of(self.attributes),
            landmarks=of(self.landmarks),
            boxes=of(self.boxes),
            partition=of(self.partition),
            pairs=None,
            pixels=None if self.pixels is None else _Taken(self.pixels, chosen),
            crops=of(self.crops),
            check_crops=None,
            missing={at: self.missing[row] for at, row in enumerate(chosen) if row in self.missing},
        )

    def offers(self) -> tuple[Annotation, ...]:
        """The annotations that the collection has, in the order of `ANNOTATIONS`."""
        return tuple(name for name in ANNOTATIONS if getattr(self, name) is not None)

    def lacks(self) -> tuple[Annotation, ...]:
        """The annotations that the collection lacks, in the same order."""
        return tuple(name for name in ANNOTATIONS if getattr(self, name) is None)


@dataclass(frozen=True)
class _Taken(Generic[_Result]):
    """A function of an image's index, for the images that were taken."""

    of: Callable[[int], _Result]
    rows: Sequence[int]

    def __call__(self, index: int) -> _Result:
        return self.of(self.rows[index])


def _check_places(values: npt.NDArray[np.float32] | None, name: str) -> None:
    """Refuses infinite places and those that no image can have; NaN stands for unknown ones."""
    if values is None or not values.size:
        return
    farthest = max(-float(np.fmin.reduce(values, axis=None)), float(np.fmax.reduce(values, axis=None)))
    if farthest > MAX_PLACE:
        raise DataError(f"{name} lie {farthest:.4g} pixels away, expected at most {MAX_PLACE:,}")


def numbers_of_people(collection: Collection) -> npt.NDArray[np.int64]:
    """(N,) each image's person as a number, for layouts without names; −1 for unlabelled images.

    It is the person's name where all names are whole numbers, else the row of `identity_names`.

    Raises:
        DataError: If the collection has no identities.
    """
    if collection.identity is None:
        raise DataError(f"{collection.root}: has no identities, which this layout needs")
    names = collection.identity_names
    numeric = all(re.fullmatch("0|[1-9][0-9]{0,8}", name, re.ASCII) for name in names)
    # The last entry is what row −1 picks.
    number = np.array([*(int(name) if numeric else at for at, name in enumerate(names)), -1], np.int64)
    return number[collection.identity]
