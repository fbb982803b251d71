"""The five key points of a data set's faces, checked before they are used."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import yaml

from nbutils.data.faces import Faces
from nbutils.errors import DataError
from nbutils.paths import MANIFEST_DIR


def require_landmarks(faces: Faces, name: str) -> npt.NDArray[np.float32]:
    """The key points of a split, checked.

    Args:
        faces: Any split.
        name: What an error calls the data set.

    Returns:
        (N, 5, 2) x, y in pixels.

    Raises:
        DataError: If there are none (the error names the data sets that have them), or one lies outside its image.

    Example:
        >>> from nbutils.data import SyntheticData, require_landmarks
        >>> faces = SyntheticData(identities=4, images_per_identity=2, validation_images=3, pairs=20).load().train
        >>> require_landmarks(faces, "embedded faces").shape
        (8, 5, 2)
    """
    if faces.landmarks is None:
        have = ", ".join(_data_sets_with_landmarks())
        raise DataError(f"{name} has no key points: expected a data set that has, which are {have}")
    height, width = faces.images.shape[1:3]
    inside = ((faces.landmarks >= -0.5) & (faces.landmarks <= [width - 0.5, height - 0.5])).all(axis=2)
    if not inside.all():
        image, point = np.argwhere(~inside)[0]
        x, y = faces.landmarks[image, point]
        raise DataError(
            f"{name}: key point {point + 1} of image {image} is at ({x:.1f}, {y:.1f}): "
            f"expected it inside the {width} × {height} pixels"
        )
    return faces.landmarks


def _data_sets_with_landmarks() -> list[str]:
    """Of the project's manifests; read as plain YAML, so that trainings do not depend on how manifests are checked."""
    files = sorted(MANIFEST_DIR.glob("*.yml"))
    return [file.stem for file in files if "landmarks" in yaml.safe_load(file.read_text("utf-8"))["annotations"]]
