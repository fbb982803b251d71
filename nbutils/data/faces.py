"""Faces with their annotations, pairs of them, and whole data sets: what every data spec loads, whatever its origin."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from nbutils.errors import DataError

#: What notebooks may need besides images.
ANNOTATIONS = ("identity", "attributes", "landmarks", "pairs")


@dataclass(frozen=True, eq=False)
class Faces:
    """N face images of one split, with their annotations.

    Attributes:
        images: (N, H, W, 3) uint8, RGB; of digits (N, H, W, 1), grey.
        identity: (N,) int64, 0 … num_identities − 1 within this split.
        identity_names: one name an identity.
        attributes: (N, 40) bool in the order of `nbutils.data.attributes.ATTRIBUTES`, or None where
            the data set has none.
        landmarks: (N, 5, 2) float32, (x, y) in pixels of `images`: left eye, right eye, nose tip, left and
            right mouth corner, as seen by the viewer; or None.
        partial_attributes: (N, 40) int8 where some attributes are unknown: 1 has it, −1 has not, 0 unknown.
            `attributes` is then None, so that nothing takes an unknown one for an absent one.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Faces
        >>> faces = Faces(np.zeros((3, 61, 53, 3), np.uint8), np.array([0, 0, 1]), ("Ann", "Bob"))
        >>> len(faces), faces.num_identities
        (3, 2)
    """

    images: npt.NDArray[np.uint8]
    identity: npt.NDArray[np.int64]
    identity_names: tuple[str, ...]
    attributes: npt.NDArray[np.bool_] | None = None
    landmarks: npt.NDArray[np.float32] | None = None
    partial_attributes: npt.NDArray[np.int8] | None = None

    def __post_init__(self) -> None:
        count = len(self.images)
        for name in ("identity", "attributes", "landmarks", "partial_attributes"):
            value = getattr(self, name)
            if value is not None and len(value) != count:
                raise DataError(f"{name} has {len(value)} rows, expected one for each of {count} images")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def num_identities(self) -> int:
        """Number of people in the split."""
        return len(self.identity_names)

    @property
    def has_attributes(self) -> bool:
        """Whether attributes are known, of all images or of some."""
        return self.attributes is not None or self.partial_attributes is not None


@dataclass(frozen=True, eq=False)
class Pairs:
    """P pairs of images of one `Faces`, for verification.

    Attributes:
        first: (P,) int64, index of the first image.
        second: (P,) int64, index of the second image.
        same: (P,) bool, whether both show one person.
        fold: (P,) int64, 0 … folds − 1.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Pairs
        >>> pairs = Pairs(np.array([0, 0]), np.array([1, 2]), same=np.array([True, False]), fold=np.array([0, 1]))
        >>> len(pairs)
        2
    """

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    same: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        lengths = {len(column) for column in (self.first, self.second, self.same, self.fold)}
        if len(lengths) != 1:
            raise DataError(f"columns of pairs differ in length: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True, eq=False)
class FaceData:
    """A data set ready for use: faces to train on, faces of other people to verify, and pairs of those.

    Attributes:
        name: the data set's name in `data_manifests`.
        title: what a caption calls it.
        train: faces to train on.
        validation: faces of people in neither `train` nor `test`, to tune on; or None.
        test: faces to verify; no person of `train` is among them.
        pairs: pairs of indices into `test`.
        validation_pairs: pairs of indices into `validation`, or None where that is.
        held_out: images of the people of `train` that are kept from training, with the same numbers; or None.
    """

    name: str
    title: str
    train: Faces
    test: Faces
    pairs: Pairs
    validation: Faces | None = None
    validation_pairs: Pairs | None = None
    held_out: Faces | None = None

    def __post_init__(self) -> None:
        if self.validation is None and self.validation_pairs is not None:
            raise DataError("validation pairs without validation faces: expected the faces they are of")
        _check_range(self.pairs, self.test, "pairs")
        if self.validation is not None and self.validation_pairs is not None:
            _check_range(self.validation_pairs, self.validation, "validation_pairs")

    @property
    def offers(self) -> tuple[str, ...]:
        """Which of `ANNOTATIONS` it has; attributes count where the faces have them that neurons are selected on."""
        chosen_by = self.validation or self.train
        has = {
            "identity": self.train.num_identities > 0,
            "attributes": chosen_by.has_attributes,
            "landmarks": self.train.landmarks is not None,
            "pairs": len(self.pairs) > 0,
        }
        return tuple(name for name in ANNOTATIONS if has[name])

    @property
    def lacks(self) -> tuple[str, ...]:
        """Which of `ANNOTATIONS` it lacks."""
        return tuple(name for name in ANNOTATIONS if name not in self.offers)

    def require(self, *needed: str) -> FaceData:
        """Returns itself if it has the annotations that are needed.

        Args:
            needed: Of `ANNOTATIONS`.

        Raises:
            DataError: If it lacks one of them.

        Example:
            >>> from nbutils.data import DigitsData
            >>> DigitsData().load().require("identity").name
            'digits'
        """
        absent = [name for name in needed if name not in self.offers]
        if absent:
            raise DataError(
                f"{self.title} lacks {' and '.join(absent)}: needed here are {', '.join(needed)}; "
                f"it has {', '.join(self.offers)}. `nbutils data list` shows which data sets have what"
            )
        return self

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over every array's bytes, type and shape, and the names of people."""
        digest = hashlib.sha256()
        for label, value in self._parts():
            digest.update(f"{label} {value.dtype.str} {value.shape};".encode())
            digest.update(np.ascontiguousarray(value).data)
        return digest.hexdigest()

    def _parts(self) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
        for split in ("train", "validation", "test", "pairs", "validation_pairs", "held_out"):
            part: Faces | Pairs | None = getattr(self, split)
            for key, value in vars(part).items() if part is not None else ():
                if isinstance(value, tuple):
                    value = np.frombuffer("\0".join(value).encode(), np.uint8)
                if value is not None:
                    yield f"{split}.{key}", value


def _check_range(pairs: Pairs, faces: Faces, name: str) -> None:
    indices = np.concatenate([pairs.first, pairs.second])
    if len(indices) and (indices.min() < 0 or indices.max() >= len(faces)):
        raise DataError(f"{name} names image {indices.max()} (lowest {indices.min()}), expected 0 … {len(faces) - 1}")
