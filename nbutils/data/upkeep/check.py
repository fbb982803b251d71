"""Checks a data set on disk against its manifest."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbutils.data.collection import Collection
from nbutils.data.layouts.packed import damaged
from nbutils.data.manifest import Manifest
from nbutils.data.upkeep.check_annotations import (
    annotations_found,
    other_lists_found,
    pairs_found,
    partition_found,
    people_found,
    values_found,
)
from nbutils.data.upkeep.findings import EXAMPLES, Finding, Report, counted, some
from nbutils.data.upkeep.survey import Survey, survey_collection
from nbutils.errors import DataError


def check_collection(collection: Collection, manifest: Manifest, *, progress: bool = True) -> Report:
    """Checks every list and image of a data set.

    Args:
        collection: The data set as opened.
        manifest: Its manifest.
        progress: Show a progress bar.

    Example:
        >>> from pathlib import Path
        >>> from nbutils.data import Collection, check_collection, load_manifest
        >>> faces = Collection("mine", Path("mine"), names=["a"], read=lambda at: b"P5 2 1 255 " + bytes(2))
        >>> check_collection(faces, load_manifest("lfw"), progress=False).counts["images"]
        1
    """
    seen = survey_collection(collection, progress=progress)
    there = np.ones(len(collection), np.bool_)
    there[[*collection.missing, *seen.errors]] = False
    counts = {
        "images": int(there.sum()),
        "listed": len(collection),
        "missing": len(collection.missing),
        "undecodable": len(seen.errors),
    }
    findings = [
        _layout(collection, manifest),
        *_images(collection, manifest, counts["images"]),
        *people_found(collection, manifest, there, counts),
        *annotations_found(collection, manifest),
        *_decoding(collection, seen),
        *_duplicates(collection, seen, there, counts),
        *values_found(collection, seen, there),
        *partition_found(collection, there),
        *pairs_found(collection, there, counts),
        *other_lists_found(collection, there),
        *_files(collection.root, manifest),
        *(Finding(level="note", what="lists and files", found=remark) for remark in collection.remarks[:EXAMPLES]),
    ]
    if len(collection.remarks) > EXAMPLES:
        findings.append(
            Finding(level="note", what="lists and files", found=f"{len(collection.remarks) - EXAMPLES} more remarks")
        )
    return Report(
        title=manifest.title,
        root=str(collection.root),
        layout=collection.layout,
        counts=counts,
        findings=tuple(findings),
    )


def _layout(collection: Collection, manifest: Manifest) -> Finding:
    expected = ", ".join(manifest.layouts)
    known = not manifest.layouts or collection.layout in manifest.layouts
    return Finding(level="ok" if known else "note", what="layout", found=collection.layout, expected=expected)


def _images(collection: Collection, manifest: Manifest, found: int) -> Iterator[Finding]:
    yield counted("images that are there", found, manifest.images, manifest.rounded)
    if collection.missing:
        # Each reason begins with the list that promises the image, and its line.
        lists = Counter(Path(reason.split(":")[0]).name for reason in collection.missing.values())
        per_list = ", ".join(f"{count:,} by {name}" for name, count in lists.most_common())
        yield Finding(
            level="fault",
            what="images listed and missing",
            found=f"{len(collection.missing):,}: {per_list}",
            expected="none",
            examples=some(collection.missing.values()),
        )


def _decoding(collection: Collection, seen: Survey) -> Iterator[Finding]:
    yield Finding(
        level="fault" if seen.errors else "ok",
        what="images that cannot be decoded",
        found=f"{len(seen.errors):,}",
        expected="none",
        examples=some(seen.errors[at] for at in sorted(seen.errors)),
    )
    if collection.layout == "pack":
        harm = list(damaged(collection.root))
        yield Finding(
            level="fault" if harm else "ok",
            what="digests of the pack",
            found=f"{len(harm)} wrong",
            examples=some(harm),
        )
    sizes = Counter(map(tuple, seen.size[seen.size[:, 0] > 0].tolist()))
    shown = ", ".join(f"{height}×{width}: {count:,}" for (height, width), count in sizes.most_common(3))
    more = f" and {len(sizes) - 3:,} more" if len(sizes) > 3 else ""
    yield Finding(level="ok", what="sizes in pixels", found=shown + more)


def _duplicates(
    collection: Collection, seen: Survey, there: npt.NDArray[np.bool_], counts: dict[str, int]
) -> Iterator[Finding]:
    rows = np.flatnonzero(there)
    for key, what, values in (
        ("duplicates", "images with the bytes of another", seen.content[rows, None]),
        ("look_alikes", "images that look as another does", seen.looks[rows]),
    ):
        _, group, sizes = np.unique(values, axis=0, return_inverse=True, return_counts=True)
        groups = np.flatnonzero(sizes > 1)
        counts[key] = int((sizes[groups] - 1).sum())
        examples = []
        for which in groups[:EXAMPLES]:
            same = rows[group.ravel() == which]
            across = collection.identity is not None and len(set(collection.identity[same].tolist())) > 1
            names = " = ".join(collection.names[at] for at in same[:3])
            examples.append(names + (" (of different people)" if across else ""))
        yield Finding(
            level="note" if len(groups) else "ok", what=what, found=f"{counts[key]:,}", examples=tuple(examples)
        )


def _files(root: Path, manifest: Manifest) -> Iterator[Finding]:
    """The data set's own files that are in the folder, against their published digests; a few levels deep."""
    folder = root if root.is_dir() else root.parent
    absent = []
    for file in manifest.files:
        path = next((p for level in ("", "*/", "*/*/") for p in sorted(folder.glob(level + file.name))), None)
        if path is None:
            absent.append(file.name)
        elif file.digest is not None:
            kind, _, digest = file.digest.partition(":")
            same = _digest(path, kind) == digest
            yield Finding(
                level="ok" if same else "note",
                what=f"file {file.name}",
                found="as published" if same else f"its {kind.upper()} is not the published one",
                expected=f"published {kind.upper()}",
            )
    if absent:
        yield Finding(level="note", what="published files that are not there", found=", ".join(absent))


def _digest(path: Path, kind: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, kind).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
