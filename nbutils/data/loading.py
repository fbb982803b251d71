"""Faces by the name of their data set and the folder where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbutils.data.bucket_copy import as_root
from nbutils.data.faces import FaceData
from nbutils.data.manifest import load_manifest
from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.sources.on_disk import FolderData
from nbutils.data.spec import DataSpec
from nbutils.errors import DataError, ParameterError


def load_faces(
    dataset: str = "synthetic",
    data_root: str | Path = "",
    *,
    layout: str = "",
    pairs_root: str | Path = "",
    **fields: Any,  # noqa: ANN401 (fields of the data spec)
) -> FaceData:
    """Loads the faces of a data set, ready to train on and to verify.

    Args:
        dataset: "synthetic", or the name or path of a manifest.
        data_root: Folder or file of the data set, by path or by the URL of a bucket; the embedded faces need none.
        layout: Name of the data set's layout; empty: recognised.
        pairs_root: Folder or file of the pairs to verify; empty: the data set's own.
        fields: Of `SyntheticData` or `FolderData`, such as `height` and `width`.

    Raises:
        ParameterError: Unknown data set or field, or no folder where one is needed.
        DataError: The folder lacks what the data set should have.

    Example:
        >>> faces = load_faces("synthetic", identities=4, images_per_identity=2, validation_images=3, pairs=20)
        >>> len(faces.train), len(faces.pairs)
        (8, 20)
    """
    return data_spec(dataset, data_root, layout=layout, pairs_root=pairs_root, **fields).load()


def data_spec(
    dataset: str,
    data_root: str | Path = "",
    *,
    layout: str = "",
    pairs_root: str | Path = "",
    **fields: Any,  # noqa: ANN401
) -> DataSpec:
    """Names the faces that `load_faces` loads, for a training spec; arguments as there.

    Example:
        >>> spec = data_spec("lfw", "faces/lfw", height=130, width=114)
        >>> spec.kind, spec.height
        ('folder', 130)
    """
    if dataset == "synthetic":
        return SyntheticData(**fields)
    try:
        manifest = load_manifest(dataset)
    except DataError as error:
        raise ParameterError(f"dataset is {dataset!r}: {error}") from None
    if not str(data_root):
        raise ParameterError(f"data_root is empty: expected the folder or file of {manifest.title}")
    return FolderData(
        dataset=dataset,
        root=as_root(data_root),
        layout=layout or None,
        pairs_root=as_root(pairs_root) if str(pairs_root) else None,
        **fields,
    )
