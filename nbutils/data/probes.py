"""Probes: the faces on which a teacher's neurons are looked at, with the attributes that can be used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nbutils.data.attributes import ATTRIBUTES, IDENTITY_RELATED
from nbutils.data.faces import FaceData
from nbutils.data.people_names import shared_people
from nbutils.data.spec import DataSpec
from nbutils.errors import DataError, ParameterError

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Probes:
    """N faces to look at neurons by, and A of their attributes: those of which both values are seen.

    Attributes:
        images: (N, H, W, C) uint8.
        identity: (N,) int64.
        identity_names: One name a person.
        attributes: (N, A) bool, False where unknown; None where the faces have no attributes.
        known: (N, A) bool.
        names: (A,) of the attributes.
        identity_related: (A,) True for IA.
        note: Which faces, and what of their attributes is not used; as sentences.
    """

    images: npt.NDArray[np.uint8]
    identity: npt.NDArray[np.int64]
    identity_names: tuple[str, ...]
    attributes: BoolArray | None
    known: BoolArray | None
    names: tuple[str, ...]
    identity_related: BoolArray
    note: str

    def __len__(self) -> int:
        return len(self.images)


def find_probes(data: FaceData, probe: DataSpec | None = None, most: int = 20_000) -> Probes:
    """The faces that a teacher's neurons are chosen on: another data set's, or the training's own.

    Args:
        data: Of the training: its validation faces are taken where there is no probe, or else its training faces.
        probe: Other faces, with attributes and cropped as those of the training.
        most: At most so many faces.

    Raises:
        DataError: The probe has no attributes, or shows people who are verified.
        ParameterError: Its crops are of another size.

    Example:
        >>> from nbutils.data import SyntheticData, find_probes
        >>> data = SyntheticData(identities=4, images_per_identity=2, validation_images=200, pairs=20)
        >>> probes = find_probes(data.load())
        >>> len(probes), len(probes.names) > 30
        (200, True)
    """
    source = data if probe is None else _checked(probe.load(), data)
    faces = source.validation or source.train
    keep = slice(0, most)
    outside = source.validation is not None
    kind = "validation images" if probe is None and outside else "images"
    people = len(np.unique(faces.identity[keep]))
    where = f"{len(faces.images[keep]):,} {kind} of {people:,} people ({source.title})"
    where += "" if outside else ", those trained on"
    if faces.attributes is not None:
        present = faces.attributes[keep]
        known = np.ones_like(present)
    elif faces.partial_attributes is not None:
        present, known = faces.partial_attributes[keep] == 1, faces.partial_attributes[keep] != 0
    else:
        none: BoolArray = np.empty(0, np.bool_)
        note = f"{where}, without attributes."
        return Probes(faces.images[keep], faces.identity[keep], faces.identity_names, None, None, (), none, note)
    usable: BoolArray = np.logical_and((present & known).any(axis=0), (~present & known).any(axis=0))
    related = IDENTITY_RELATED[usable]
    if min(related.sum(), (~related).sum()) < 2:
        raise DataError(
            f"{source.title}: {related.sum()} IA and {(~related).sum()} NA attributes are known with both values: "
            "expected two of each or more"
        )
    note = f"{where}, with {usable.sum()} attributes."
    if not usable.all():
        absent = ", ".join(name for name, used in zip(ATTRIBUTES, usable, strict=True) if not used)
        note += f" Unknown, or the same on all of them, and not used: {absent}."
    gaps = int((~known[:, usable]).sum())
    if gaps:
        note += f" {gaps:,} of {known[:, usable].size:,} values are unknown; accuracies are over the known ones."
    return Probes(
        images=faces.images[keep],
        identity=faces.identity[keep],
        identity_names=faces.identity_names,
        attributes=present[:, usable],
        known=known[:, usable],
        names=tuple(name for name, used in zip(ATTRIBUTES, usable, strict=True) if used),
        identity_related=related,
        note=note,
    )


def _checked(probe: FaceData, data: FaceData) -> FaceData:
    """The probe's data, if they have attributes, show nobody who is verified, and are framed as the others."""
    faces = probe.validation or probe.train
    if not faces.has_attributes:
        raise DataError(f"{probe.title} has no attributes, by which neurons are chosen: expected another probe")
    if faces.images.shape[1:] != data.train.images.shape[1:]:
        sizes = [" × ".join(map(str, each.images.shape[1:3])) for each in (faces, data.train)]
        raise ParameterError(
            f"the probe's crops have {sizes[0]} pixels, those of the training {sizes[1]}: expected one size, so that "
            "faces are framed alike"
        )
    tested = data.test.identity_names
    # Numbers are each data set's own: equal ones mean one person within one data set alone.
    if probe.name == data.name:
        shared = sorted(set(faces.identity_names) & set(tested))
    else:
        shared = [name for name, _ in shared_people(faces.identity_names, tested)]
    if shared:
        more = f" and {len(shared) - 5} more" if len(shared) > 5 else ""
        raise DataError(
            f"{probe.title}: {len(shared)} people of the probe are in the test pairs of {data.title}, expected none: "
            f"{', '.join(shared[:5])}{more}"
        )
    return probe
