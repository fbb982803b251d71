"""Checks the annotations of a data set: people, attributes, key points, partition, pairs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.collection import NOT_LISTED, TRAIN, Collection
from nbutils.data.layouts.base import open_collection
from nbutils.data.layouts.lfw import PAIR_LISTS
from nbutils.data.manifest import Manifest
from nbutils.data.upkeep.findings import EXAMPLES, Finding, counted, some
from nbutils.data.upkeep.survey import Survey

#: People with fewer images are counted as too few to train on, as `min_images` of the trainings.
FEW = 4
_PARTITIONS = {0: "train", 1: "validation", 2: "test", NOT_LISTED: "not listed"}


def people_found(
    collection: Collection, manifest: Manifest, there: npt.NDArray[np.bool_], counts: dict[str, int]
) -> Iterator[Finding]:
    """How many people there are, and how many have too few images."""
    identity = collection.identity
    if identity is None:
        return
    people = len(collection.identity_names)
    known = identity >= 0
    have = np.bincount(identity[known & there], minlength=people)
    listed = np.bincount(identity[known], minlength=people)
    counts |= {
        "identities": int((have > 0).sum()),
        "identities_whole": int(((have > 0) & (have == listed)).sum()),
        "identities_enough": int((have >= FEW).sum()),
        "unlabelled": int((~known).sum()),
    }
    yield counted("identities with images", counts["identities"], manifest.identities, manifest.rounded)
    if counts["identities_whole"] < people:
        yield Finding(
            level="note",
            what="identities with all images that are listed",
            found=f"{counts['identities_whole']:,}",
            expected=f"{people:,} listed",
        )
    few = np.flatnonzero((have > 0) & (have < FEW))
    names = (f"{collection.identity_names[person]}: {have[person]}" for person in few[:EXAMPLES])
    yield Finding(
        level="note" if len(few) else "ok",
        what=f"identities with fewer than {FEW} images",
        found=f"{len(few):,} (with {FEW} or more: {counts['identities_enough']:,})",
        examples=tuple(names),
    )
    if counts["unlabelled"]:
        yield Finding(level="note", what="unlabelled images", found=f"{counts['unlabelled']:,}")


def annotations_found(collection: Collection, manifest: Manifest) -> Iterator[Finding]:
    """Which annotations there are, against those that the data set should have."""
    lacks = [name for name in collection.lacks() if name in manifest.annotations]
    yield Finding(
        level="note" if lacks else "ok",
        what="annotations",
        found=(", ".join(collection.offers()) or "none") + (f"; lacks {', '.join(lacks)}" if lacks else ""),
        expected=", ".join(name for name in manifest.annotations if name != "pose"),
    )


def values_found(collection: Collection, seen: Survey, there: npt.NDArray[np.bool_]) -> Iterator[Finding]:
    """Whether attributes and key points are in their ranges."""
    if collection.attributes is not None:
        values = collection.attributes
        wrong = ~np.isin(values, (-1, 0, 1))
        unknown, constant = int((values == 0).sum()), np.flatnonzero((values == values[:1]).all(axis=0))
        same = tuple(f"{ATTRIBUTES[at]} is {values[0, at]} on every image" for at in constant[:EXAMPLES])
        yield Finding(
            level="fault" if wrong.any() else "note" if unknown or same else "ok",
            what="attributes",
            found=f"{wrong.sum():,} not −1, 0 or 1; {unknown:,} unknown; {len(constant)} constant",
            expected="−1 or 1",
            examples=same,
        )
    if collection.landmarks is not None:
        points, known = collection.landmarks, np.isfinite(collection.landmarks).all(axis=(1, 2))
        edge = seen.size[:, None, ::-1] - 0.5
        outside = there & known & ~((points >= -0.5) & (points <= edge)).all(axis=(1, 2))
        yield Finding(
            level="fault" if outside.any() else "note" if not known.all() else "ok",
            what="key points",
            found=f"{outside.sum():,} images with points outside; {(~known).sum():,} without",
            expected="inside the images",
            examples=some(collection.names[int(at)] for at in np.flatnonzero(outside)),
        )


def partition_found(collection: Collection, there: npt.NDArray[np.bool_]) -> Iterator[Finding]:
    """How much of each part of the makers' partition is there."""
    if collection.partition is None:
        return
    parts = []
    for value, name in _PARTITIONS.items():
        member = collection.partition == value
        if member.any():
            parts.append(f"{name} {(member & there).sum():,} of {member.sum():,}")
    yield Finding(level="ok", what="images there, by their makers' partition", found=", ".join(parts))


def pairs_found(collection: Collection, there: npt.NDArray[np.bool_], counts: dict[str, int]) -> Iterator[Finding]:
    """Which pairs can be verified, and whether the other annotations agree with them."""
    pairs = collection.pairs
    if pairs is None:
        return
    usable = there[pairs.first] & there[pairs.second]
    counts |= {"pairs": len(pairs), "pairs_usable": int(usable.sum())}
    folds = len(np.unique(pairs.fold))
    yield Finding(
        level="ok" if usable.all() else "fault",
        what="pairs with both images",
        found=f"{usable.sum():,} ({pairs.same[usable].sum():,} matched) in {folds} folds",
        expected=f"{len(pairs):,} listed",
    )
    identity, partition = collection.identity, collection.partition
    if identity is None:
        return
    named = (identity[pairs.first] >= 0) & (identity[pairs.second] >= 0)
    contradicted = named & ((identity[pairs.first] == identity[pairs.second]) != pairs.same)
    if contradicted.any():
        rows = np.flatnonzero(contradicted)
        examples = (f"{collection.names[pairs.first[at]]}, {collection.names[pairs.second[at]]}" for at in rows)
        yield Finding(
            level="fault", what="pairs that the identities contradict", found=f"{len(rows):,}", examples=some(examples)
        )
    if partition is not None:
        tested = np.unique(identity[np.concatenate([pairs.first, pairs.second])])
        shared = np.intersect1d(tested, np.unique(identity[partition == TRAIN]))
        shared = shared[shared >= 0]
        yield Finding(
            level="note" if len(shared) else "ok",
            what="people both to train on and in pairs",
            found=f"{len(shared):,}",
            expected="none",
            examples=tuple(collection.identity_names[int(person)] for person in shared[:EXAMPLES]),
        )


def other_lists_found(collection: Collection, there: npt.NDArray[np.bool_]) -> Iterator[Finding]:
    """Of LFW's further lists of pairs, those that are there."""
    if collection.layout != "lfw" or not collection.root.is_dir():
        return
    lists = [name for name in PAIR_LISTS if (collection.root / name).is_file()]
    for name in lists[1:]:  # the first is the collection's own
        pairs = open_collection(collection.root / name).pairs
        assert pairs is not None
        usable = there[pairs.first] & there[pairs.second]
        yield Finding(
            level="ok" if usable.all() else "fault",
            what=f"pairs of {name} with both images",
            found=f"{usable.sum():,} ({pairs.same[usable].sum():,} matched)",
            expected=f"{len(pairs):,} listed",
        )
