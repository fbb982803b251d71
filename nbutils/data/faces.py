"""What every data set offers, whatever its layout: faces with their annotations, and pairs of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nbutils.errors import DataError


@dataclass(frozen=True)
class Faces:
    """N face images of one split, with what the data set knows about them.

    Attributes:
        images: (N, H, W, 3) uint8, RGB.
        identity: (N,) int64, 0 … num_identities − 1 within this split.
        identity_names: one name an identity.
        attributes: (N, 40) bool in the order of `nbutils.data.attributes.ATTRIBUTES`, or None where
            the data set has none.
        landmarks: (N, 5, 2) float32, (x, y) in pixels of `images`: left eye, right eye, nose tip, left and
            right mouth corner, as seen by the viewer; or None.
    """

    images: npt.NDArray[np.uint8]
    identity: npt.NDArray[np.int64]
    identity_names: tuple[str, ...]
    attributes: npt.NDArray[np.bool_] | None = None
    landmarks: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        count = len(self.images)
        for name in ("identity", "attributes", "landmarks"):
            value = getattr(self, name)
            if value is not None and len(value) != count:
                raise DataError(f"{name} has {len(value)} rows, expected one for each of {count} images")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def num_identities(self) -> int:
        """Number of people in the split."""
        return len(self.identity_names)


@dataclass(frozen=True)
class Pairs:
    """P pairs of images of one `Faces`, for verification.

    Attributes:
        first: (P,) int64, index of the first image.
        second: (P,) int64, index of the second image.
        same: (P,) bool, whether both show one person.
        fold: (P,) int64, 0 … folds − 1.
    """

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    same: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first)
